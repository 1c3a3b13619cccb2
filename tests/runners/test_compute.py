from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.compute import Compute

OPEN = Compute("cpu", threads=1, workers=0, jobs=2, cores=2)


@pytest.mark.parametrize(
    ("cores", "folds", "jobs", "threads"),
    [
        (2, 5, 3, 1),  # three, then two
        (2, 1, 1, 2),  # a single one has both
        (2, 2, 2, 1),
        (2, 4, 2, 1),
        (2, 10, 2, 1),
        (4, 5, 5, 1),
        (4, 3, 3, 1),
        (16, 5, 5, 3),
        (1, 5, 1, 1),
    ],
)
def test_folds_share_the_cores_out(cores: int, folds: int, jobs: int, threads: int) -> None:
    assert replace(OPEN, cores=cores).shared_out(folds) == Compute("cpu", threads, 0, jobs)


@given(st.integers(1, 64), st.integers(1, 40))
def test_no_other_number_at_a_time_ends_sooner(cores: int, folds: int) -> None:
    def end(jobs: int) -> float:
        """Turn by turn, each fold a second on a core of its own."""
        left, seconds = folds, 0.0
        while left:
            turn = min(jobs, left)
            seconds, left = seconds + max(1.0, turn / cores), left - turn
        return seconds

    chosen = replace(OPEN, cores=cores).shared_out(folds)
    assert end(chosen.jobs) == pytest.approx(min(end(jobs) for jobs in range(1, min(folds, 2 * cores - 1) + 1)))
    assert chosen.threads * chosen.jobs <= max(cores, chosen.jobs), "threads are for cores that are left"


def test_ranks_of_a_fold_share_its_part() -> None:
    assert replace(OPEN, cores=8, ranks=2).shared_out(2) == Compute("cpu", 2, 0, 2, ranks=2)


def test_threads_and_so_results_do_not_depend_on_workers() -> None:
    assert replace(OPEN, cores=16, workers=2).shared_out(5) == Compute("cpu", 3, 2, 5)


def test_what_the_command_says_stays() -> None:
    said = Compute("cpu", threads=1, workers=0, jobs=4)
    assert said.shared_out(1) is said
