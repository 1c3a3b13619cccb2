"""Scores of what a class is made of: mask state, gender and age bucket, from the counts of the 18 classes.

A factor's confusion matrix is the classes' with rows and columns of one value added up, so no image is looked at twice.
Other classes have no factors, and no such scores.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from callbacks.metrics import Counts, macro_f1
from data.labels import AGE_BUCKETS, CLASS_NAMES, decode

_MASK, _GENDER, _AGE = decode(np.arange(len(CLASS_NAMES)))  # (18,) each
_VALUES = {  # of each class, by the name of the score
    "f1_mask": _MASK,
    "f1_gender": _GENDER,
    "f1_age": _AGE,
    "f1_mask_age": _MASK * len(AGE_BUCKETS) + _AGE,
}


def has_factors(class_names: Sequence[str]) -> bool:
    """Whether these are the mask competition's classes."""
    return tuple(class_names) == CLASS_NAMES


def merged(confusion: Counts, values: NDArray[np.int64]) -> Counts:
    """Counts (V, V) of the values (C,) that classes stand for, from counts (C, C) of the classes."""
    membership = (values[:, None] == np.arange(values.max() + 1)).astype(np.int64)  # (C, V)
    of_values: Counts = membership.T @ confusion @ membership
    return of_values


def factor_scores(confusion: Counts, class_names: Sequence[str]) -> dict[str, float]:
    """Macro F1 of mask, gender, age and mask x age from counts (18, 18); nothing for other classes."""
    if not has_factors(class_names):
        return {}
    return {name: macro_f1(merged(confusion, values)) for name, values in _VALUES.items()}
