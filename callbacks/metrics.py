"""Classification metrics as pure functions of a confusion matrix: counts are summed over a loader, divided once.

Every value equals scikit-learn's on the same labels (default ``zero_division``: an undefined ratio counts 0; classes
met neither among targets nor among predictions take no part in an average).
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion_matrix(targets: NDArray[np.integer], predictions: NDArray[np.integer], classes: int) -> Counts:
    """Counts (C, C): row = target, column = prediction, from labels (N,) in 0..classes-1."""
    pairs = np.asarray(targets, np.int64) * classes + np.asarray(predictions, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def present_classes(confusion: Counts) -> NDArray[np.bool_]:
    """Which classes (C,) occur among targets or predictions."""
    present: NDArray[np.bool_] = (confusion.sum(0) + confusion.sum(1)) > 0
    return present


def precision(confusion: Counts) -> Floats:
    """Share of each class's predictions that are right, (C,)."""
    return _ratio(np.diag(confusion), confusion.sum(0))


def recall(confusion: Counts) -> Floats:
    """Share of each class's targets that were found, (C,)."""
    return _ratio(np.diag(confusion), confusion.sum(1))


def f1(confusion: Counts) -> Floats:
    """F1 of each class, 2 tp / (predicted + true), (C,)."""
    return _ratio(2 * np.diag(confusion), confusion.sum(0) + confusion.sum(1))


def macro(values: Floats, confusion: Counts) -> float:
    """Mean of per-class values (C,) over the classes that occur; 0 where none does."""
    present = present_classes(confusion)
    return float(values[present].mean()) if present.any() else 0.0


def weighted(values: Floats, confusion: Counts) -> float:
    """Mean of per-class values (C,) weighted by how often each class is the target; 0 for no images."""
    support = confusion.sum(1)
    return float(np.average(values, weights=support)) if support.any() else 0.0


def macro_f1(confusion: Counts) -> float:
    """The competition's score: F1 averaged over the classes that occur."""
    return macro(f1(confusion), confusion)


def macro_precision(confusion: Counts) -> float:
    """Precision averaged over the classes that occur."""
    return macro(precision(confusion), confusion)


def macro_recall(confusion: Counts) -> float:
    """Recall averaged over the classes that occur, predicted ones without an image too (they recall 0)."""
    return macro(recall(confusion), confusion)


def weighted_precision(confusion: Counts) -> float:
    """Precision averaged over the images' classes."""
    return weighted(precision(confusion), confusion)


def weighted_recall(confusion: Counts) -> float:
    """Recall averaged over the images' classes: the accuracy."""
    return weighted(recall(confusion), confusion)


def weighted_f1(confusion: Counts) -> float:
    """F1 averaged over the images' classes."""
    return weighted(f1(confusion), confusion)


def accuracy(confusion: Counts) -> float:
    """Share of images whose class is right; 0 for no images."""
    return float(_ratio(np.trace(confusion), confusion.sum()))


def micro_f1(confusion: Counts) -> float:
    """F1 of the counts summed over classes; an image has one class and one answer, so precision and recall are equal.

    Where every class takes part, that is the accuracy; for images with several classes see ``callbacks.label_sets``.
    """
    hits = np.trace(confusion)
    return float(_ratio(2 * hits, 2 * confusion.sum()))


def counts(confusion: Counts) -> Counts:
    """The confusion matrix itself (C, C), for a log that is to hold it."""
    return confusion


def standard_scores(confusion: Counts) -> dict[str, float]:
    """What every log holds: macro F1, accuracy, macro precision and macro recall."""
    return {
        "f1": macro_f1(confusion),
        "accuracy": accuracy(confusion),
        "precision": macro_precision(confusion),
        "recall": macro_recall(confusion),
    }


def _ratio(numerator: NDArray[np.integer], denominator: NDArray[np.integer]) -> Floats:
    """numerator / denominator in float64, 0 where nothing is divided."""
    quotient: Floats = np.asarray(numerator, np.float64) / np.maximum(denominator, 1)
    return quotient
