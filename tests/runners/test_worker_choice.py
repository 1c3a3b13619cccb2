from dataclasses import replace
from pathlib import Path

import pytest
import torch

from runners import worker_choice
from runners.compute import Compute
from runners.first_fold import first_fold
from runners.fold_rows import Fold
from runners.worker_choice import FETCH_SECONDS, START_SECONDS, fewest_seconds, spare_cores, with_workers


class Told:
    def __init__(self) -> None:
        self.lines = list[str]()

    def line(self, text: str) -> None:
        self.lines.append(text)

    def advance(self, batches: int, description: str) -> None: ...


@pytest.fixture
def tiny_fold(declare, competition: Path) -> Fold:
    """The first of two folds, of seven batches an epoch or so."""
    return first_fold(declare(criterion="ce"), competition, Compute("cpu", threads=1, workers=0, jobs=1))


@pytest.mark.parametrize(
    ("make", "train", "workers"),
    [
        (0.0001, 0.010, 0),  # from the cache: nothing to gain
        (0.0100, 0.010, 1),  # one worker hides it all
        (0.0300, 0.010, 3),  # three are as fast as the network
        (0.9000, 0.001, 4),  # never fast enough: all that there are
    ],
)
def test_as_many_workers_as_make_an_epoch_short_and_no_more(make: float, train: float, workers: int) -> None:
    assert fewest_seconds(1000, make, train, most=4) == workers


def test_a_short_epoch_is_over_before_its_workers_have_started() -> None:
    gain = 0.010 - FETCH_SECONDS
    batches = int(START_SECONDS / gain)
    assert fewest_seconds(batches, 0.010, 0.010, most=4) == 0
    assert fewest_seconds(2 * batches, 0.010, 0.010, most=4) == 1


def test_no_worker_takes_a_core_that_a_fold_trains_on(monkeypatch) -> None:
    monkeypatch.setattr(worker_choice, "available_cores", lambda: 8)
    assert spare_cores(Compute("cpu", threads=1, workers="auto", jobs=8), folds=8) == 0
    assert spare_cores(Compute("cpu", threads=4, workers="auto", jobs=2), folds=5) == 0
    assert spare_cores(Compute("cpu", threads=1, workers="auto", jobs=2), folds=5) == 3
    assert spare_cores(Compute("cpu", threads=1, workers="auto", jobs=8), folds=2) == 3, "two folds need two cores"
    assert spare_cores(Compute("cuda", threads=8, workers="auto", jobs=1), folds=5) == 7


def test_a_number_that_was_asked_for_stays(tiny_fold) -> None:
    asked = replace(tiny_fold, compute=Compute("cpu", threads=1, workers=3, jobs=1))
    assert with_workers(asked, Told()) is asked


def test_auto_measures_says_so_and_leaves_the_random_numbers_as_they_were(tiny_fold, monkeypatch) -> None:
    monkeypatch.setattr(worker_choice, "available_cores", lambda: 3)
    monkeypatch.setattr(worker_choice, "START_SECONDS", 0.0)
    monkeypatch.setattr(worker_choice, "FETCH_SECONDS", 0.0)
    told, auto = Told(), replace(tiny_fold, compute=Compute("cpu", threads=1, workers="auto", jobs=1))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    chosen = with_workers(auto, told)
    assert chosen.compute.workers in (1, 2), "where a worker costs nothing, one helps"
    assert torch.equal(torch.get_rng_state(), before)
    (line,) = told.lines
    assert line.startswith(f"fold 1/2  workers {chosen.compute.workers}: a batch takes ") and "ms to train" in line


@pytest.mark.parametrize(("make", "train", "workers"), [(0.5, 0.1, 3), (0.1, 0.5, 0)])
def test_threads_give_way_where_they_would_wait_for_batches(tiny_fold, monkeypatch, make, train, workers) -> None:
    monkeypatch.setattr(worker_choice, "available_cores", lambda: 4)
    monkeypatch.setattr(worker_choice, "measured", lambda fold: (1000, make, train))
    auto = replace(tiny_fold, compute=Compute("cpu", threads=4, workers="auto", jobs=1))
    assert with_workers(auto, Told()).compute == replace(auto.compute, workers=workers)


def test_auto_without_a_spare_core_measures_nothing(tiny_fold, monkeypatch) -> None:
    monkeypatch.setattr(worker_choice, "available_cores", lambda: 1)
    monkeypatch.setattr(worker_choice, "measured", lambda fold: pytest.fail("measured"))
    told, auto = Told(), replace(tiny_fold, compute=Compute("cpu", threads=1, workers="auto", jobs=1))
    assert with_workers(auto, told).compute.workers == 0 and not told.lines


def test_what_the_network_can_not_take_is_left_for_training_to_say(tiny_fold, monkeypatch) -> None:
    def refused(fold: Fold) -> None:
        raise RuntimeError("the sizes do not match")

    monkeypatch.setattr(worker_choice, "available_cores", lambda: 3)
    monkeypatch.setattr(worker_choice, "measured", refused)
    auto = replace(tiny_fold, compute=Compute("cpu", threads=1, workers="auto", jobs=1))
    assert with_workers(auto, Told()).compute.workers == 0
