"""Runs to be blended: the same images side by side, joined by id and never by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.run_predictions import Probabilities, RunPredictions, class_names, read_predictions
from data.errors import DataError, quote
from data.findings import some_names
from runners.run_folder import RunFolder

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Members:
    """M runs on the same n training and m test images of C classes, in the first run's order of both."""

    names: tuple[str, ...]  # M, each once: experiment and the first digits of the identity
    runs: tuple[RunFolder, ...]  # M
    class_names: tuple[str, ...]  # C
    image_ids: NDArray[np.str_]  # (n,)
    persons: NDArray[np.str_]  # (n,)
    targets: Labels  # (n,)
    oof: Probabilities  # (M, n, C) each image by a network that never saw its person
    test_ids: NDArray[np.str_]  # (m,)
    test: Probabilities  # (M, m, C) what each run handed in
    test_labels: Labels  # (M, m) made as the out-of-fold ones are, one network an image

    @property
    def labels(self) -> Labels:
        """Predicted class of each member and training image, (M, n)."""
        return self.oof.argmax(2)

    def take(self, chosen: Sequence[int]) -> "Members":
        """Some of the members, in the order asked for."""
        rows = list(chosen)
        return Members(
            names=tuple(self.names[row] for row in rows),
            runs=tuple(self.runs[row] for row in rows),
            class_names=self.class_names,
            image_ids=self.image_ids,
            persons=self.persons,
            targets=self.targets,
            oof=self.oof[rows],
            test_ids=self.test_ids,
            test=self.test[rows],
            test_labels=self.test_labels[rows],
        )


def read_members(runs: Sequence[RunFolder]) -> Members:
    """Finished runs, aligned; DataError where they can't be blended.

    Runs may have been split differently: what counts is that each has an out-of-fold prediction of every image, by a
    network that never saw the image's person. Refused are fewer than two runs, a run named twice, other images,
    classes, labels or persons than the first run's, a person on both sides of a run's split, runs without a test set.
    """
    if len(runs) < 2:
        raise DataError(f"{len(runs)} run given; an ensemble blends two or more.")
    twice = sorted({str(run.root) for run in runs if runs.count(run) > 1})
    if twice:
        raise DataError(f"{twice[0]} is named twice; a run is a member once, its weight is what is learnt.")
    predictions = [read_predictions(run) for run in runs]
    names_of_each = [class_names(each) for each in predictions]
    first = predictions[0]
    for each, names in zip(predictions, names_of_each, strict=True):
        _check_arrays(each)
        _check_same(first, each, names_of_each[0], names)
    train = [_places(each, "image_ids", first.image_ids) for each in predictions]
    test = [_places(each, "test_ids", first.test_ids) for each in predictions]
    return Members(
        names=_short_names(runs),
        runs=tuple(runs),
        class_names=names_of_each[0],
        image_ids=first.image_ids,
        persons=first.persons,
        targets=first.targets,
        oof=np.stack([each.oof[rows] for each, rows in zip(predictions, train, strict=True)]),
        test_ids=first.test_ids,
        test=np.stack([each.test[rows] for each, rows in zip(predictions, test, strict=True)]),
        test_labels=np.stack(
            [each.test_as_out_of_fold().argmax(1)[rows] for each, rows in zip(predictions, test, strict=True)]
        ),
    )


def _check_arrays(run: RunPredictions) -> None:
    """DataError unless every image is there once with finite probabilities, and persons are whole."""
    for file, ids, values in ((run.run.oof, run.image_ids, run.oof), (run.run.test, run.test_ids, run.test)):
        if not len(ids):
            raise DataError(f"{file} has no images; a member of an ensemble needs training and test predictions.")
        again = pd.Index(ids).duplicated()
        if again.any():
            raise DataError(
                f"{file}: {again.sum()} images are there twice, such as {quote(str(ids[again][0]))}; "
                "expected one prediction an image."
            )
        bad = ~(np.isfinite(values).all(1) & (values >= 0).all(1))
        if bad.any():
            raise DataError(
                f"{file}: {bad.sum()} images have probabilities that are negative or not finite, such as "
                f"{quote(str(ids[bad][0]))}."
            )
    folds_of_person = pd.Series(run.folds).groupby(run.persons).nunique()
    split = folds_of_person.index[folds_of_person > 1]
    if len(split):
        raise DataError(
            f"{run.run.root}: {len(split)} persons are on both sides of its split, such as {quote(str(split[0]))}; "
            "weights learnt on its predictions would trust what it had seen. Its submission can be blended by `vote`."
        )


def _check_same(first: RunPredictions, other: RunPredictions, names: tuple[str, ...], others: tuple[str, ...]) -> None:
    """DataError unless two runs have the same classes and images, and the images the same label and person."""
    here, there = other.run.root, first.run.root
    if names != others:
        differing = sorted(set(others) ^ set(names)) or list(others)
        raise DataError(
            f"{here}: its {len(others)} classes are not the {len(names)} of {there} in that order; they "
            f"differ in {some_names(differing, 4)}."
        )
    for key, what in (("image_ids", "out-of-fold predictions"), ("test_ids", "test predictions")):
        wanted, found = getattr(first, key), getattr(other, key)
        lacking, unknown = np.setdiff1d(wanted, found), np.setdiff1d(found, wanted)
        if len(lacking) or len(unknown):
            some = [str(name) for name in (*lacking[:3], *unknown[:3])][:3]
            raise DataError(
                f"{here}: its {what} are of {len(found)} images, {len(found) - len(unknown)} of them among the "
                f"{len(wanted)} of {there}; they differ in {some_names(some)}. Members must predict the same images."
            )
    rows = _places(other, "image_ids", first.image_ids)
    for key, word in (("targets", "labels"), ("persons", "persons")):
        differs = getattr(other, key)[rows] != getattr(first, key)
        if differs.any():
            name = quote(str(first.image_ids[differs][0]))
            raise DataError(
                f"{here}: {differs.sum()} images have other {word} than in {there}, such as {name}; blend "
                "runs made with the same corrections of the same data."
            )


def _places(run: RunPredictions, key: str, wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    """Row of the run's arrays that holds each wanted id."""
    return pd.Index(getattr(run, key)).get_indexer(pd.Index(wanted)).astype(np.int64)


def _short_names(runs: Sequence[RunFolder]) -> tuple[str, ...]:
    """Experiment and six digits of the identity; the run's whole folder where two are alike."""
    whole = [PurePosixPath(run.root.parent.name) / run.root.name for run in runs]
    short = [f"{path.parts[0]} {path.name.rpartition('-')[2][:6]}" for path in whole]
    return tuple(name if short.count(name) == 1 else str(path) for name, path in zip(short, whole, strict=True))
