"""`--fast`: the whole path, submission included, on one batch of every stage."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.metadata import ImageData
from runners.experiment import Experiment


def few_epochs(experiment: Experiment) -> Experiment:
    """The experiment cut to an epoch for each criterion that it switches to: one, for most."""
    names = [experiment.criterion_schedule[first] for first in sorted(experiment.criterion_schedule)]
    schedule = dict(enumerate(names, start=1))
    criterion = experiment.criterion if isinstance(experiment.criterion, str) else schedule
    return replace(experiment, epochs=len(schedule), criterion=criterion)


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
