"""Arrays as users hand them over, checked once: labels, predictions, persons, scores. A mistake is one sentence."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from data.errors import DataError

Labels = NDArray[np.integer]


def checked_labels(values: ArrayLike, name: str) -> Labels:
    """Classes 0, 1, ... of N >= 1 images, (N,); integers keep their type, so that a byte an image stays a byte."""
    labels = np.asarray(values)
    if labels.ndim != 1 or labels.size == 0:
        raise DataError(f"{name}: shape {labels.shape} found, (N,) is needed: one class an image, N >= 1.")
    return whole_numbers(labels, name)


def checked_predictions(values: ArrayLike, image_count: int | None, name: str) -> Labels:
    """Predicted classes (E, N) from labels (E, N) or probabilities (E, N, C); the first of equal probabilities wins."""
    try:
        predictions = np.asarray(values)
    except ValueError:                              # rows of unequal length
        raise DataError(f"{name}: the runs predict different numbers of images; all must predict the same.") from None
    images = "N" if image_count is None else str(image_count)
    fits = predictions.ndim in (2, 3) and predictions.size and image_count in (None, predictions.shape[1])
    if not fits:
        raise DataError(
            f"{name}: shape {predictions.shape} found, (E, {images}) labels or (E, {images}, C) probabilities are "
            "needed: E >= 1 runs that all predict the same images."
        )
    if predictions.ndim == 2:
        return whole_numbers(predictions, name)
    if not np.isfinite(predictions).all():
        bad = np.flatnonzero(~np.isfinite(predictions).all(axis=(1, 2)))
        raise DataError(f"{name}: run {bad[0]} has probabilities that are not finite; every image needs a prediction.")
    return predictions.argmax(axis=2).astype(np.min_scalar_type(predictions.shape[2]))


def whole_numbers(labels: NDArray[np.generic], name: str) -> Labels:
    """Labels of any shape as integers; DataError where one is not a whole number >= 0."""
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all() or (labels != np.floor(labels)).any():
            raise DataError(f"{name}: a class that is not a whole number found; classes are 0, 1, ...")
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise DataError(f"{name}: values of type {labels.dtype} found; classes are whole numbers 0, 1, ...")
    if labels.min() < 0:
        raise DataError(f"{name}: class {labels.min()} found; classes are counted from 0.")
    whole: Labels = labels.astype(np.int64 if labels.dtype == np.uint64 else labels.dtype, copy=False)
    return whole


def checked_persons(persons: ArrayLike, image_count: int) -> tuple[NDArray[np.int64], NDArray[np.generic]]:
    """Index of each image's person among the sorted unique persons (N,), and those persons (P,)."""
    names = np.asarray(persons)
    if names.shape != (image_count,):
        raise DataError(f"persons: shape {names.shape} found, ({image_count},) is needed: the person of each image.")
    index, unique = pd.factorize(names, sort=True)
    if (index < 0).any():
        raise DataError(f"persons: image {int(np.argmax(index < 0))} has none.")
    return index.astype(np.int64), np.asarray(unique)


def checked_membership(membership: ArrayLike, person_count: int) -> NDArray[np.generic]:
    """Candidates (S, P) as given: bool, or finite weights >= 0."""
    weights = np.asarray(membership)
    if weights.ndim != 2 or weights.shape[1] != person_count:
        raise DataError(
            f"membership: shape {weights.shape} found, (S, {person_count}) is needed: a column a sorted unique person."
        )
    if weights.dtype.kind not in "buif":
        raise DataError(f"membership: values of type {weights.dtype} found, bool or weights >= 0 are needed.")
    if weights.dtype.kind != "b" and not (np.isfinite(weights).all() and weights.min(initial=0) >= 0):
        raise DataError("membership: a weight that is negative or not finite found, weights are >= 0.")
    return weights


def checked_scores(scores: ArrayLike, run_count: int, name: str = "leaderboard") -> NDArray[np.float64]:
    """Public macro F1 of each run (E,), fractions of 1."""
    values = np.asarray(scores, np.float64)
    if values.shape != (run_count,):
        raise DataError(f"{name}: shape {values.shape} found, ({run_count},) is needed: a score a run.")
    for run, score in enumerate(values):
        if not np.isfinite(score):
            raise DataError(f"{name}: run {run} has the score {score}; every run used needs its public score.")
        if 1 < score <= 100:
            raise DataError(f"{name}: run {run} has {score:g}; a macro F1 lies in 0..1, write {score / 100:.6g}.")
        if not 0 <= score <= 1:
            raise DataError(f"{name}: run {run} has {score:g}; a macro F1 lies in 0..1.")
    return values


def checked_features(features: ArrayLike, image_count: int | None, name: str) -> NDArray[np.floating]:
    """Features (N, D) of N images, finite."""
    values = np.asarray(features)
    fits = values.ndim == 2 and values.size and image_count in (None, len(values)) and values.dtype.kind in "fiu"
    if not fits:
        images = "M" if image_count is None else str(image_count)
        raise DataError(f"{name}: shape {values.shape} of {values.dtype} found, ({images}, D) numbers are needed.")
    if not np.isfinite(values).all():
        bad = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise DataError(f"{name}: image {bad} has a feature that is not finite.")
    return values
