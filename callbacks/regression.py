"""Errors of numbers. Classes that stand for numbers (age buckets) are compared by what their scores expect.

Without `values`, targets (N,) and scores (N,) are the numbers themselves. With `values` (C,), the number of each class,
targets (N,) are labels and scores (N, C) probabilities: what is predicted is their expected value.

The errors of ages compare with the persons' true ages, years (N,); those that are not known (NaN) are left out. What is
predicted is, with `age_spread`, the age that the buckets' shares stand for (data.ages), as a network trained on years
gives it, or with `values` the expected value, which any classifier of the 18 classes has.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.ages import age_shares, years_of_shares

Floats = NDArray[np.float64]
Values = Sequence[float] | None


def absolute_error(targets: NDArray[np.generic], scores: NDArray[np.floating], values: Values = None) -> float:
    """MAE: mean distance of prediction and target; NaN for none."""
    return _mean(np.abs(_errors(targets, scores, values)))


def squared_error(targets: NDArray[np.generic], scores: NDArray[np.floating], values: Values = None) -> float:
    """MSE: mean squared distance of prediction and target; NaN for none."""
    return _mean(_errors(targets, scores, values) ** 2)


def age_absolute_error(
    years: NDArray[np.floating],
    scores: NDArray[np.floating],
    age_spread: float | None = None,
    values: Values = None,
) -> float:
    """MAE of predicted ages in years, from scores (N, 18); NaN where no true age is known."""
    return _mean(np.abs(_age_errors(years, scores, age_spread, values)))


def age_squared_error(
    years: NDArray[np.floating],
    scores: NDArray[np.floating],
    age_spread: float | None = None,
    values: Values = None,
) -> float:
    """MSE of predicted ages in years squared, from scores (N, 18); NaN where no true age is known."""
    return _mean(_age_errors(years, scores, age_spread, values) ** 2)


def _age_errors(
    years: NDArray[np.floating], scores: NDArray[np.floating], age_spread: float | None, values: Values
) -> Floats:
    if (age_spread is None) == (values is None):
        raise ValueError("ages are read with age_spread, in years, or with values, one for each class: one of both")
    known = ~np.isnan(np.asarray(years, np.float64))
    predicted = (
        _expected(scores[known], values)
        if values is not None
        else years_of_shares(age_shares(scores[known]), float(age_spread or 0))
    )
    errors: Floats = predicted - np.asarray(years, np.float64)[known]
    return errors


def _errors(targets: NDArray[np.generic], scores: NDArray[np.floating], values: Values) -> Floats:
    if values is None:
        if scores.ndim != 1:
            raise ValueError(
                f"scores of shape {scores.shape} are of classes: values, a number for each, would be right"
            )
        return np.asarray(scores, np.float64) - np.asarray(targets, np.float64)
    expected = _expected(scores, values)
    errors: Floats = expected - np.asarray(values, np.float64)[np.asarray(targets, np.int64)]
    return errors


def _expected(scores: NDArray[np.floating], values: Sequence[float]) -> Floats:
    """What probabilities (N, C) expect of the classes' numbers: (N,)."""
    if scores.ndim != 2 or scores.shape[1] != len(values):
        raise ValueError(f"values has {len(values)} numbers, and scores are of shape {scores.shape}")
    expected: Floats = scores.astype(np.float64) @ np.asarray(values, np.float64)
    return expected


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
