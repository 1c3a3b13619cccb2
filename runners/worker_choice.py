"""How many processes should make a fold's batches: none, unless they make its epochs shorter."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from data.loaders import raise_failure
from data.whole_train_set import fold_count
from runners.compute import Compute, available_cores
from runners.display import Progress
from runners.experiment import build
from runners.fold_loaders import make_loaders
from runners.fold_rows import Fold

START_SECONDS = 0.05  # of each worker process, every epoch
FETCH_SECONDS = 0.001  # of each batch that comes from one: a message, and memory that is mapped
_BATCHES = 3  # that are measured, after one that is not


def with_workers(fold: Fold, progress: Progress) -> Fold:
    """The fold with a number of workers where its compute says "auto": measured, if there is a core for them.

    A core that one of torch's threads has is not spare, but where a batch takes longer to make than to train on, that
    thread has little to do.
    """
    if fold.compute.workers != "auto":
        return fold
    spare = spare_cores(fold.compute, fold_count(fold.experiment.split, fold.folds))
    most = max(spare, fold.compute.threads - 1) if fold.compute.device == "cpu" else spare
    alone = replace(fold, compute=replace(fold.compute, workers=0))
    if not most:
        return alone
    try:
        batches, make, train = measured(alone)
    except (RuntimeError, ValueError, AssertionError):
        return alone  # a size that the network can't take, or short memory: training meets it too, and says so
    workers = fewest_seconds(batches, make, train, most if make > train else spare)
    progress.line(
        f"{fold.title}  workers {workers}: a batch takes {1000 * make:.1f} ms to make, {1000 * train:.1f} ms to train"
    )
    return replace(fold, compute=replace(fold.compute, workers=workers))


def spare_cores(compute: Compute, folds: int) -> int:
    """Cores that no process trains on, for each that does; with a GPU all are, but the one that feeds it."""
    processes = min(compute.jobs, folds) * compute.ranks
    return max(0, available_cores() // processes - (compute.threads if compute.device == "cpu" else 1))


def fewest_seconds(batches: int, make: float, train: float, most: int) -> int:
    """The number of workers, 0 to `most`, with the shortest epoch; the smallest among equals.

    batches: of an epoch. make, train: seconds of a batch, in this process. Without workers one waits for the other;
    with some they overlap, and the slower of the two is what counts.
    """

    def epoch(workers: int) -> float:
        if not workers:
            return batches * (make + train)
        return START_SECONDS * workers + batches * max(train + FETCH_SECONDS, make / workers)

    return min(range(most + 1), key=lambda workers: (epoch(workers), workers))


def measured(fold: Fold) -> tuple[int, float, float]:
    """Batches of an epoch; seconds to make one, and to train on one. Leaves no trace in the fold's random numbers."""
    device, precision = fold.compute.device, fold.experiment.precision
    half = torch.autocast(device, {"fp16": torch.float16}.get(precision, torch.bfloat16), enabled=precision != "no")
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device == "cuda" else []):
        loader = make_loaders(fold)["train"]
        model: nn.Module = build("model", fold.experiment.model, num_classes=fold.classes)
        model.to(device).eval()  # a batch of one image would be refused in training
        batches = iter(loader)
        make, train = list[float](), list[float]()
        for _ in range(min(_BATCHES + 1, len(loader))):
            seconds, batch = _timed(fold, lambda: next(batches))
            raise_failure(batch)
            make.append(seconds)
            images = batch["features"].to(device)  # (B, H, W, 3)
            with half:
                train.append(_timed(fold, lambda images=images: model(images).float().sum().backward())[0])  # type: ignore[misc]
    return len(loader), min(make), min(train)


def _timed(fold: Fold, act: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = act()
    if fold.compute.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started, result
