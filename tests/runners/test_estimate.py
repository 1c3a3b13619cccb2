from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import runners.estimate
from data.splits import PersonStratifiedKFold
from runners.compute import Compute
from runners.estimate import Plan, duration, estimate_line, makespan, plan_run, training_batches, with_estimate
from runners.first_fold import first_fold
from runners.fold_rows import Fold
from runners.run_folder import RunFolder
from runners.timing import Timing

THREE = partial(PersonStratifiedKFold, folds=3)  # 12 persons of 7 images: 56 to train on, 28 to validate


@pytest.fixture
def folds(declare, competition: Path, tmp_path: Path):
    """Three folds of two epochs: 7 training batches, 4 of validation, 3 of test images, two views."""

    def make(jobs: int) -> list[Fold]:
        compute = Compute(device="cpu", threads=1, workers=0, jobs=jobs)
        fold = first_fold(declare(split=THREE, epochs=2, criterion="ce"), competition, compute)
        return [replace(fold, number=number, folder=RunFolder(tmp_path).fold(number)) for number in range(3)]

    return make


def test_a_fold_is_its_epochs_and_its_predictions(folds) -> None:
    first = folds(1)[0]
    assert training_batches(first) == pytest.approx(2 * (7 + 4 / 3) + 2 * (4 + 3) / 3)
    Timing(first.folder.timing).save(1, 5.0, 84)
    assert training_batches(first) == pytest.approx(1 * (7 + 4 / 3) + 2 * (4 + 3) / 3), "an epoch is behind it"


@pytest.mark.parametrize(
    ("work", "jobs", "room", "end"),
    [
        ([1, 1, 1, 1, 1], 1, 2, 5),
        ([1, 1, 1, 1, 1], 2, 2, 3),
        ([4, 1, 1, 1], 2, 2, 4),
        ([1, 1, 4], 2, 2, 5),
        ([2], 8, 8, 2),
        ([], 1, 1, 0),
        ([3, 3, 3, 3, 3], 3, 2, 5),  # measured at two thirds of the speed, at which the last two don't go
        ([3, 3, 3], 3, 1, 3),
        ([6, 3], 2, 1, 4.5),  # the second half of the long one goes twice as fast
    ],
)
def test_folds_take_turns_in_so_many_processes(work: list[float], jobs: int, room: int, end: float) -> None:
    assert makespan(work, jobs, room) == pytest.approx(end)


def test_folds_share_the_cores_that_are_here(folds, monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, turns in ((1, 1), (2, 1), (3, 1)):
        monkeypatch.setattr(runners.estimate, "available_cores", lambda cores=cores: cores)
        part = folds(3)[0]
        assert plan_run(part).batches == pytest.approx(turns * training_batches(part)), "measured as it will be"
    monkeypatch.setattr(runners.estimate, "available_cores", lambda: 1)
    part = folds(2)[0]
    assert plan_run(part).batches == pytest.approx(1.5 * training_batches(part)), "the last one has the core alone"


def test_one_fold_tells_the_first_that_is_not_done(folds) -> None:
    parts = folds(1)
    assert [fold.estimates for fold in with_estimate(parts)] == [True, False, False]
    parts[0].folder.root.mkdir(parents=True)
    parts[0].folder.predictions.touch()
    assert [fold.estimates for fold in with_estimate(parts)] == [False, True, False]
    for fold in parts[1:]:
        fold.folder.root.mkdir(parents=True)
        fold.folder.predictions.touch()
    assert not any(fold.estimates for fold in with_estimate(parts))


def test_the_plan_is_of_all_that_is_left(folds) -> None:
    parts = folds(2)
    each = training_batches(parts[0])
    assert plan_run(parts[0]) == Plan("3 folds x 2 epochs", pytest.approx(2 * each), 2, "cpu")
    parts[0].folder.root.mkdir(parents=True)
    parts[0].folder.predictions.touch()
    assert plan_run(parts[1]) == Plan("what is left", pytest.approx(each), 2, "cpu")
    parts[1].folder.root.mkdir(parents=True)
    parts[1].folder.predictions.touch()
    assert plan_run(parts[2]) == Plan("what is left", pytest.approx(each), 1, "cpu")


def test_the_line_says_time_and_memory_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners.estimate, "peak_memory", lambda device: int(0.94 * 2**30))
    plan = Plan("5 folds x 12 epochs", 1800.0, 1, "cpu")
    line = estimate_line(plan, 0.1)
    assert line == "estimate after 20 batches: 5 folds x 12 epochs in about 3 min, 0.9 GiB resident"
    assert len(line) <= 80
    assert estimate_line(replace(plan, jobs=2), 0.1).endswith("in about 3 min, 2 x 0.9 GiB resident")
    assert estimate_line(replace(plan, jobs=2, ranks=2), 0.1).endswith("in about 3 min, 4 x 0.9 GiB resident")
    assert estimate_line(replace(plan, device="cuda"), 0.1).endswith("0.9 GiB of the GPU")
    monkeypatch.setattr(runners.estimate, "peak_memory", lambda device: None)
    assert estimate_line(plan, 0.1).endswith("5 folds x 12 epochs in about 3 min")


def test_a_time_is_said_as_one_says_it() -> None:
    told = {1: "5 s", 42: "40 s", 94: "95 s", 100: "2 min", 3600: "60 min", 9000: "2.5 h"}
    assert {seconds: duration(seconds) for seconds in told} == told
