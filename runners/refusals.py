"""What contradicts the data or each other is refused here, before a run has a folder and the first fold an epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from callbacks.criterion import target_key
from callbacks.declared_metrics import declared_scores
from data.age_boundary import soften_ages
from data.errors import DataError
from data.labels import CLASS_NAMES
from data.metadata import ImageData
from data.whole_train_set import fold_count
from runners.compute import Compute
from runners.declared_ages import check_ages_known
from runners.declared_fit import check_final_fit
from runners.experiment import Experiment, Factory, build
from runners.fold import make_criteria
from runners.fold_rows import Fold
from runners.linear_probe import Declaration
from runners.run_folder import FoldFolder
from runners.scores import score
from runners.sources import NOTHING, Sources


def check_name(experiment: Declaration, source: Path) -> None:
    """DataError unless an experiment is called as its module is."""
    if experiment.name != source.stem:
        raise DataError(
            f"{source.name} declares name={experiment.name!r}: {source.stem!r}, as the file, would be right."
        )


def check_declaration(
    experiment: Experiment, data: ImageData, folds: NDArray[np.int64], sources: Sources = NOTHING
) -> None:
    """Try what is declared on every fold's tables and on blank images; folds (N,) validates each training image.

    Raises DataError, one sentence that names the fields, for a sampler that lacks a value in a fold, criteria that take
    no soft targets where `mix` or `extra_data` makes them, views or transforms that fail, and a final fit that would
    wait for a validation score.
    """
    check_final_fit(experiment, sources.epochs or experiment.epochs)
    check_ages_known(experiment.criteria, experiment.metrics, experiment.age_boundary, data.train)
    if experiment.mix:
        build("mix", experiment.mix)
    for number in range(fold_count(experiment.split, folds)):
        fold = unwritten_fold(experiment, data, folds, number, sources)
        if not fold.train.empty:
            len(fold.sampler)
            criteria = make_criteria(fold)
            for field, factory in _softening(fold).items():
                check_soft_targets(criteria, fold.classes, field, factory)
            check_softened(criteria, experiment)
    check_views(experiment, len(data.class_names))
    check_scores(experiment, data.class_names)


def check_scores(experiment: Declaration, class_names: Sequence[str]) -> None:
    """DataError for a metric that fails on this number of classes, or a monitored name that none of them logs."""
    classes = len(class_names)
    targets, even = np.arange(classes), np.full((classes, classes), 1 / classes, np.float32)
    years = np.linspace(18, 60, classes)
    names = [*score(targets, even, class_names, {})]
    for name, metric in experiment.metrics.items():
        try:
            names += declared_scores({name: metric}, np.eye(classes, dtype=np.int64), targets, even, years)
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            raise DataError(f"metrics[{name!r}] fails on scores of {classes} classes: {error}.") from error
    watched = experiment.monitor[0]
    if watched not in names and not watched.startswith("loss"):
        raise DataError(
            f"monitor names {watched!r}, which neither metrics nor these {classes} classes give; available: loss, "
            f"{', '.join(names)}."
        )


def unwritten_fold(
    experiment: Experiment, data: ImageData, folds: NDArray[np.int64], number: int, sources: Sources = NOTHING
) -> Fold:
    """A fold to look at: it has no folder, so it can't be trained."""
    compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
    return Fold(experiment, data, folds, number, FoldFolder(Path()), compute, (), sources)


def check_softened(criteria: dict[str, nn.Module], experiment: Experiment) -> None:
    """DataError that names `age_boundary` and `criterion` where soft targets of ages change no loss that is used."""
    boundary = experiment.age_boundary
    if boundary is None or boundary.func is not soften_ages:
        return
    logits, hard = torch.linspace(-1, 1, len(CLASS_NAMES))[None], torch.eye(len(CLASS_NAMES))[1:2]  # (1, 18) each
    soft = (hard + hard.roll(1)) / 2  # between two buckets
    used = [criteria[name] for parts in experiment.criterion_schedule.values() for name in parts]
    on_classes = [criterion for criterion in used if target_key(criterion) == "targets"]
    if all(torch.equal(criterion(logits, hard), criterion(logits, soft)) for criterion in on_classes):
        raise DataError(
            "age_boundary is soften_ages, which moves targets between age buckets, and criterion sums only what does "
            "not look at them: a criterion of the 18 classes, or drop_ages, would be right."
        )


def _softening(fold: Fold) -> dict[str, Factory]:
    """The fields that make targets soft, with their factories."""
    experiment, extras = fold.experiment, fold.sources.of_fold(fold.number)
    given = {"mix": experiment.mix, "age_boundary": experiment.age_boundary}
    fields = {name: factory for name, factory in given.items() if factory}
    if "age_boundary" in fields and fields["age_boundary"].func is not soften_ages:
        del fields["age_boundary"]
    soft = [at for at, extra in enumerate(extras) if extra.rows.soft is not None]
    return fields | {f"extra_data[{at}]": experiment.extra_data[at] for at in soft}


def check_soft_targets(criteria: dict[str, nn.Module], classes: int, field: str, factory: Factory) -> None:
    """DataError that names the `field` whose factory makes soft targets and a criterion which takes hard ones only."""
    logits, soft = torch.zeros(2, classes), torch.full((2, classes), 1 / classes)
    for name, criterion in criteria.items():
        if target_key(criterion) != "targets":  # it takes the age in years
            continue
        try:
            loss = criterion(logits, soft)
            reason = "" if loss.ndim == 0 and torch.isfinite(loss) else f"its loss is {loss.tolist()}"
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, AssertionError) as error:
            reason = " ".join(str(error).split())
        if reason:
            raise DataError(
                f"{field} is {factory.func.__qualname__}, which makes soft targets, and criteria[{name!r}] is "
                f"{type(criterion).__name__}, which takes none ({reason}): a criterion of "
                f"runners.criteria, or no such {field}, would be right."
            )


def check_views(experiment: Declaration, classes: int) -> None:
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
