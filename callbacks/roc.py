"""Area under the ROC curve of each class against the rest: how well its scores rank its images above all others."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def class_roc_auc(targets: NDArray[np.integer], scores: NDArray[np.floating]) -> Floats:
    """AUC of each class (C,) from labels (N,) and scores (N, C): the chance that one of its images outranks another's.

    Ties count half. NaN for a class that no image has, or every image: there is no pair to rank. Computed from ranks
    (Mann-Whitney), which is the area under scikit-learn's curve exactly.
    """
    return np.array([_binary(targets == number, column) for number, column in enumerate(scores.T)])


def roc_auc(targets: NDArray[np.integer], scores: NDArray[np.floating]) -> float:
    """Macro, one-vs-rest: the mean of :func:`class_roc_auc` over the classes where it is defined; NaN where none is."""
    areas = class_roc_auc(targets, scores)
    defined = ~np.isnan(areas)
    return float(areas[defined].mean()) if defined.any() else float("nan")


def _binary(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    hits, others = int(positive.sum()), int((~positive).sum())
    if hits == 0 or others == 0 or np.isnan(scores).any():
        return float("nan")
    _, position, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[position]  # (N,) from 1 on, the middle one among equals
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * others))
