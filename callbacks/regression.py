"""Errors of numbers. Classes that stand for numbers (age buckets) are compared by what their scores expect.

Without `values`, targets (N,) and scores (N,) are the numbers themselves. With `values` (C,), the number of each class,
targets (N,) are labels and scores (N, C) probabilities: what is predicted is their expected value.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = Sequence[float] | None


def absolute_error(targets: NDArray[np.generic], scores: NDArray[np.floating], values: Values = None) -> float:
    """MAE: mean distance of prediction and target; NaN for none."""
    return _mean(np.abs(_errors(targets, scores, values)))


def squared_error(targets: NDArray[np.generic], scores: NDArray[np.floating], values: Values = None) -> float:
    """MSE: mean squared distance of prediction and target; NaN for none."""
    return _mean(_errors(targets, scores, values) ** 2)


def _errors(targets: NDArray[np.generic], scores: NDArray[np.floating], values: Values) -> Floats:
    if values is None:
        if scores.ndim != 1:
            raise ValueError(
                f"scores of shape {scores.shape} are of classes: values, a number for each, would be right"
            )
        return np.asarray(scores, np.float64) - np.asarray(targets, np.float64)
    if scores.ndim != 2 or scores.shape[1] != len(values):
        raise ValueError(f"values has {len(values)} numbers, and scores are of shape {scores.shape}")
    numbers = np.asarray(values, np.float64)  # (C,)
    errors: Floats = scores.astype(np.float64) @ numbers - numbers[np.asarray(targets, np.int64)]
    return errors


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
