"""What contradicts the data or each other is refused here, before a run has a folder and the first fold an epoch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from callbacks.declared_metrics import declared_scores
from data.errors import DataError
from data.metadata import ImageData
from runners.environment import Compute
from runners.experiment import Experiment, build
from runners.fold import Fold, make_criteria
from runners.run_folder import FoldFolder
from runners.scores import score


def check_declaration(experiment: Experiment, data: ImageData, folds: NDArray[np.int64]) -> None:
    """Try what is declared on every fold's tables and on blank images; folds (N,) validates each training image.

    Raises DataError, one sentence that names the fields, for a sampler that lacks a value in a fold, criteria that take
    no soft targets where `mix` makes them, and views or transforms that fail.
    """
    if experiment.mix:
        build("mix", experiment.mix)
    for number in range(int(folds.max()) + 1):
        fold = unwritten_fold(experiment, data, folds, number)
        if not fold.train.empty:
            len(fold.sampler)
            criteria = make_criteria(fold)
            if experiment.mix:
                check_soft_targets(criteria, fold.classes, experiment)
    check_views(experiment, len(data.class_names))
    check_scores(experiment, data.class_names)


def check_scores(experiment: Experiment, class_names: Sequence[str]) -> None:
    """DataError for a metric that fails on this number of classes, or a monitored name that none of them logs."""
    classes = len(class_names)
    targets, even = np.arange(classes), np.full((classes, classes), 1 / classes, np.float32)
    names = [*score(targets, even, class_names, {})]
    for name, metric in experiment.metrics.items():
        try:
            names += declared_scores({name: metric}, np.eye(classes, dtype=np.int64), targets, even)
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            raise DataError(f"metrics[{name!r}] fails on scores of {classes} classes: {error}.") from error
    watched = experiment.monitor[0]
    if watched not in names and not watched.startswith("loss"):
        raise DataError(
            f"monitor names {watched!r}, which neither metrics nor these {classes} classes give; available: loss, "
            f"{', '.join(names)}."
        )


def unwritten_fold(experiment: Experiment, data: ImageData, folds: NDArray[np.int64], number: int) -> Fold:
    """A fold to look at: it has no folder, so it can't be trained."""
    compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
    return Fold(experiment, data, folds, number, FoldFolder(Path()), compute, ())


def check_soft_targets(criteria: dict[str, nn.Module], classes: int, experiment: Experiment) -> None:
    """DataError that names `mix` and the criterion which takes hard targets only."""
    logits, soft = torch.zeros(2, classes), torch.full((2, classes), 1 / classes)
    for name, criterion in criteria.items():
        try:
            loss = criterion(logits, soft)
            reason = "" if loss.ndim == 0 and torch.isfinite(loss) else f"its loss is {loss.tolist()}"
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, AssertionError) as error:
            reason = " ".join(str(error).split())
        if reason:
            mix: Any = experiment.mix
            raise DataError(
                f"mix is {mix.func.__qualname__}, which makes soft targets, and criteria[{name!r}] is "
                f"{type(criterion).__name__}, which takes none ({reason}): mix=None, or a criterion of "
                "runners.criteria, would be right."
            )


def check_views(experiment: Experiment, classes: int) -> None:
    """DataError that names the view of `tta`, or the transform, which fails on a blank image.

    Where a view changes the images' size, the network is tried on it too: some take one size only.
    """
    transform = build("valid_transform", experiment.valid_transform)
    build("train_transform", experiment.train_transform)
    blank = transform(np.zeros((*transform.size, 3), np.uint8), (0, 0, 0))  # (H, W, 3)
    images = torch.from_numpy(np.stack([blank, blank]))
    model: nn.Module | None = None
    for position, view in enumerate(experiment.tta):
        field = f"tta[{position}]"
        try:
            seen = view(images)
            if seen.ndim != 4 or seen.shape[0] != 2 or seen.shape[3] != 3:
                raise ValueError(f"it makes {tuple(seen.shape)} of {tuple(images.shape)}: (images, H, W, 3) is needed")
            if seen.shape != images.shape:
                model = model or build("model", experiment.model, num_classes=classes).eval()
                with torch.inference_mode():
                    model(seen)
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, AssertionError) as error:
            raise DataError(f"{field} fails on images of {images.shape[1]}x{images.shape[2]}: {error}") from error
