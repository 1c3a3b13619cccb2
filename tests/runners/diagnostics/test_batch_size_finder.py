import math
from functools import partial
from pathlib import Path

import pytest
import torch

from data.errors import DataError
from data.mixing import CutMix
from runners.compute import Compute
from runners.diagnostics import batch_size_finder
from runners.diagnostics.batch_size_finder import (
    find_batch_size,
    first_batch,
    foretold,
    measure_batches,
    out_of_memory,
    try_size,
)
from runners.diagnostics.batch_size_search import Attempt
from runners.diagnostics.child_process import ProcessLost
from runners.first_fold import first_fold
from runners.fold_rows import Fold
from runners.memory import GIB

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)


@pytest.fixture
def fold(declare, competition: Path) -> Fold:
    mix = partial(CutMix, alpha=1.0, probability=1.0, partners="any")
    return first_fold(declare(criterion="ce", mix=mix), competition, CPU)


def raising(error: BaseException):
    def measure() -> tuple[float, int]:
        raise error

    return measure


def test_a_size_is_trained_with_batches_of_that_size(fold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_size_finder, "SECONDS", 0.0)
    seen: list[tuple[int, ...]] = []
    original = batch_size_finder.HeldImages.__getitems__

    def noted(self, keys):
        batch = original(self, keys)
        seen.append(tuple(batch["features"].shape))
        return batch

    monkeypatch.setattr(batch_size_finder.HeldImages, "__getitems__", noted)
    seconds, memory = measure_batches(fold, first_batch(fold), 19)
    assert seconds > 0 and memory is not None and memory >= 0
    assert set(seen) == {(19, 32, 24, 3)} and 4 <= len(seen) <= 5, "one to warm up, three timed, one fetched in vain"


def test_sizes_are_tried_up_to_an_epoch_and_told(fold, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without processes: in their place a machine that takes a hundredth of a GiB an image."""
    monkeypatch.setattr(
        batch_size_finder, "in_child", lambda work, fold, batch, size, device: (0.1 + size, size * GIB // 100)
    )
    monkeypatch.setattr(batch_size_finder, "available_memory", lambda device: None)
    told: list[Attempt] = []
    found = find_batch_size(fold, 1000, told.append)
    assert sorted(one.size for one in told) == [one.size for one in found.attempts]
    assert found.end == "two doublings in a row made it no faster"
    monkeypatch.setattr(
        batch_size_finder, "in_child", lambda work, fold, batch, size, device: (100 + size, size * GIB // 100)
    )
    assert find_batch_size(fold, 1000, told.append).end == "an epoch has 42 images"
    assert find_batch_size(fold, 16, told.append).end == "16 is the most that was asked for"
    monkeypatch.setattr(batch_size_finder, "available_memory", lambda device: GIB // 3)  # .3 GiB: 30 images
    limited = find_batch_size(fold, 1000, told.append)
    assert limited.largest is not None and 27 <= limited.largest.size <= 30 and "does not fit" in limited.end


def test_more_memory_than_is_free_is_foretold_and_not_tried() -> None:
    past = [
        Attempt(4, 1.0, 5 * GIB),
        Attempt(8, 1.0, 6 * GIB),
        Attempt(2, 1.0, 4 * GIB),
        Attempt(16, 1.0, None, "lost"),
    ]
    assert foretold(16, past) == 8 * GIB and foretold(16, past[:1]) is None
    never = raising(AssertionError("must not be tried"))
    refused = try_size(never, 16, past, limit=7 * GIB)
    assert not refused.fits and refused.reason == "about 8.00 GiB would be needed, 7.00 GiB are free"
    assert try_size(lambda: (1.0, 8 * GIB), 16, past, limit=9 * GIB).fits
    over = try_size(lambda: (1.0, 10 * GIB), 16, past, limit=9 * GIB)
    assert over.reason == "10.00 GiB are needed, 9.00 GiB are free"
    assert try_size(lambda: (1.0, None), 16, [], limit=1).fits, "where memory can't be told, it is no reason"


def test_a_process_that_memory_ended_is_a_size_that_does_not_fit() -> None:
    killed = try_size(raising(ProcessLost(-9)), 8, [], None)
    assert not killed.fits and killed.reason == "the system ended its process, out of memory"
    assert try_size(raising(ProcessLost(1)), 8, [], None).reason == "ended with code 1"
    refused = try_size(lambda: (math.inf, None), 8, [], None)
    assert not refused.fits and refused.reason == "out of memory" and refused.throughput == 0


def test_only_a_lack_of_memory_is_taken_for_one(fold, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: BaseException):
        def train(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(batch_size_finder, "train_shortly", train)

    wrapped = DataError("model: the network fails")
    wrapped.__cause__ = torch.OutOfMemoryError("CUDA out of memory")
    for error in (wrapped, torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        fails(error)
        assert out_of_memory(error) and measure_batches(fold, first_batch(fold), 4) == (math.inf, None)
    for other in (DataError("model: no such size"), RuntimeError("shapes differ")):
        fails(other)
        with pytest.raises(type(other)):
            measure_batches(fold, first_batch(fold), 4)
