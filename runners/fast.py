"""`--fast`: the whole path, submission included, on one batch of every stage."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data.metadata import ImageData
from runners.declared_average import shortest
from runners.experiment import Experiment, Factory


def few_epochs(experiment: Experiment) -> Experiment:
    """The experiment cut to an epoch for each criterion that it switches to: one, for most.

    A frozen backbone is so in the first of them, and thaws in a second one if the full run thaws it. A sampler
    or a boundary that refuses values without images skips them: the few persons left do not have them all. Weights
    are averaged from the first epoch on; a soup is made of two.
    """
    schedule, frozen = experiment.criterion_schedule, min(1, experiment.freeze_epochs)
    thaws = frozen and experiment.freeze_epochs < experiment.epochs
    criterion = dict(enumerate(schedule.values(), start=1)) if len(schedule) > 1 else experiment.criterion
    average, averaged = shortest(experiment.average)
    return replace(
        experiment,
        epochs=max(len(schedule), 2 if thaws else 1, averaged),
        criterion=criterion,
        freeze_epochs=frozen,
        sampler=_skipping(experiment.sampler),
        age_boundary=_skipping(experiment.age_boundary),
        extra_data=tuple(_for_any(factory) for factory in experiment.extra_data),
        average=average,
    )


def _skipping(factory: Factory | None) -> Factory | None:
    if factory is None or "absent" not in factory.keywords:
        return factory
    return partial(factory.func, **{**factory.keywords, "absent": "skip"})


def _for_any(factory: Factory) -> Factory:
    """A source whose threshold every image reaches: of one batch, perhaps none would."""
    if "threshold" not in factory.keywords:
        return factory
    return partial(factory.func, **{**factory.keywords, "threshold": 0.0})


def one_batch(data: ImageData, folds: NDArray[np.int64], batch_size: int) -> tuple[ImageData, NDArray[np.int64]]:
    """Whole persons of every fold, so few that a training set is about one batch, and one batch of test images.

    At least one person a fold is kept, whatever the batch size.
    """
    parts = np.unique(folds)  # with -1, the persons never validated
    images_each = max(1, batch_size // max(1, len(parts) - 1))
    persons = data.train["person"].to_numpy()
    kept = np.zeros(len(folds), bool)
    for part in parts:
        rows = np.flatnonzero(folds == part)
        first = persons[rows[:images_each]]  # images of a person stand together or not: take their persons whole
        allowed = list(dict.fromkeys(first))
        while len(allowed) > 1 and np.isin(persons[rows], allowed).sum() > images_each:
            allowed.pop()
        kept[rows] = np.isin(persons[rows], allowed)
    train = data.train[kept].reset_index(drop=True)
    return replace(data, train=train, test=data.test.head(batch_size)), folds[kept]
