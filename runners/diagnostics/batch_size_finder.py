"""Trains a few batches of each size, every size in a process of its own, and notes time and memory."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

from callbacks.probe import ProbeCallback
from data.datasets import Batch
from data.errors import DataError
from data.held_images import HeldImages
from data.loaders import make_loader
from data.samplers import SequentialSampler
from runners.diagnostics.batch_size_search import Attempt, Search, search_sizes
from runners.diagnostics.child_process import KILLED, ProcessLost, in_child
from runners.diagnostics.short_training import train_shortly
from runners.fold_loaders import make_loaders
from runners.fold_rows import Fold
from runners.memory import GIB, available_memory, peak_memory
from runners.shortage import is_shortage

WARM_UP = 1  # batches that are not timed
FEWEST, MOST, SECONDS = 3, 30, 1.0  # timed batches; as many as take this long
SHARE = 0.9  # of the memory that is free, which may be taken

Measured = tuple[float, int | None]  # seconds of a batch, bytes


def find_batch_size(fold: Fold, most: int, tell: Callable[[Attempt], object]) -> Search:
    """Search the batch sizes up to `most`, and no more than the fold trains on; `tell(attempt)` after each.

    On a GPU until memory ends it; on CPUs also where larger batches are no faster. With several folds at a time, each
    has its part of the memory. Images are prepared beforehand: what is timed is training, not loading.
    """
    device, batch = fold.compute.device, first_batch(fold)
    measure = partial(in_child, measure_batches, device=device)
    free = available_memory(device)
    limit = None if free is None else int(SHARE * free / fold.compute.jobs)
    past = list[Attempt]()

    def attempt(size: int) -> Attempt:
        past.append(try_size(partial(measure, fold, batch, size), size, past, limit))
        tell(past[-1])
        return past[-1]

    images = len(fold.sampler)
    end = f"{most} is the most that was asked for" if most < images else f"an epoch has {images} images"
    return search_sizes(attempt, min(most, images), end, while_it_pays=device == "cpu")


def try_size(measure: Callable[[], Measured], size: int, past: list[Attempt], limit: int | None) -> Attempt:
    """What `measure()` finds; without calling it where the sizes before foretell more memory than `limit` bytes."""
    expected = foretold(size, past)
    if limit is not None and expected is not None and expected > limit:
        return Attempt(size, float("inf"), expected, f"about {_gib(expected)} would be needed, {_gib(limit)} are free")
    try:
        seconds, memory = measure()
    except ProcessLost as lost:
        reason = "the system ended its process, out of memory" if lost.code == KILLED else str(lost)
        return Attempt(size, float("inf"), None, reason)
    if seconds == float("inf"):
        return Attempt(size, seconds, memory, "out of memory")
    if limit is not None and memory is not None and memory > limit:
        return Attempt(size, seconds, memory, f"{_gib(memory)} are needed, {_gib(limit)} are free")
    return Attempt(size, seconds, memory)


def foretold(size: int, past: list[Attempt]) -> int | None:
    """Bytes on the straight line through the two largest sizes that were measured; None before there are two."""
    known = sorted((one.size, one.memory) for one in past if one.fits and one.memory is not None)[-2:]
    if len(known) < 2:
        return None
    (small, less), (large, more) = known
    return int(more + (size - large) * max(0, more - less) / (large - small))


def measure_batches(fold: Fold, batch: Batch, size: int) -> Measured:
    """Train the fold's network with batches of `size`: (median seconds, bytes taken); infinite where memory ran out."""
    device = fold.compute.device
    before = peak_memory(device) if device == "cpu" else 0
    experiment = replace(fold.experiment, batch_size=size)
    held = HeldImages(batch, [str(index) for index in batch["index"].tolist()])
    batches = WARM_UP + MOST
    loader = make_loader(held, SequentialSampler(batches * size), batch_size=size, workers=0)  # type: ignore[arg-type]
    ends = [time.perf_counter()]

    def after_step(_: float) -> bool:
        ends.append(time.perf_counter())
        timed = len(ends) - 1 - WARM_UP
        return timed >= FEWEST and ends[-1] - ends[WARM_UP] >= SECONDS

    try:
        probe = ProbeCallback(1, after_step, None)
        train_shortly(replace(fold, experiment=experiment), {"train": loader}, probe, epochs=1, mixed=True)
    except (DataError, RuntimeError, MemoryError) as error:
        if out_of_memory(error):
            return float("inf"), None
        raise
    after = peak_memory(device)
    taken = None if after is None or before is None else after - before
    return median(end - start for start, end in zip(ends[WARM_UP:], ends[WARM_UP + 1 :], strict=False)), taken


def first_batch(fold: Fold) -> Batch:
    """The run's first training batch, which batches of any size are made of."""
    loader = make_loaders(fold)["train"]
    loader.sampler.set_epoch(1)
    batch: Batch = next(iter(loader))
    return batch


def out_of_memory(error: BaseException | None) -> bool:
    """Whether memory was short, on a GPU or not, also behind another error."""
    return error is not None and (is_shortage(error) or out_of_memory(error.__cause__))


def _gib(bytes_: int) -> str:
    return f"{bytes_ / GIB:.2f} GiB"
