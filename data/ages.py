"""Between an age in years and the three buckets: a logistic distribution about the age, cut at the buckets' borders.

The share of a bucket is what the distribution has between its borders; from the shares, the age comes back. This is the
cumulative link of ordinal regression (McCullagh 1980, Regression models for ordinal data): the log-odds of lying above
a border are (age - border) / spread.

Ages are whole years, counted from 18 up; in the competition 60 stands for 60 and older, and 18 for 18 and younger. What
bears 59 or less ends where 60 begins, so the borders lie halfway between.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from data.labels import AGE_BUCKETS, CLASS_NAMES, GENDERS, MASK_STATES

AGE_BORDERS = (29.5, 59.5)  # years: below 30, below 60

Floats = NDArray[np.float64]


def bucket_shares(years: ArrayLike, age_spread: float) -> Floats:
    """Shares of the three buckets (N, 3) in logistic distributions about ages (N,), of scale `age_spread` in years.

    Between two borders lies S(y - a) S(b - y) (1 - exp(a - b)), S being the sigmoid: no difference of two numbers near
    1 is taken.
    """
    first, last = ((np.asarray(years, np.float64) - border) / age_spread for border in AGE_BORDERS)  # (N,) each
    between = expit(first) * expit(-last) * -np.expm1((AGE_BORDERS[0] - AGE_BORDERS[1]) / age_spread)
    return np.stack([expit(-first), between, expit(last)], axis=1)


def years_of_shares(shares: NDArray[np.floating], age_spread: float) -> Floats:
    """Ages (N,) that bucket shares (N, 3) stand for: the inverse of :func:`bucket_shares`.

    Each border gives an age. Shares of one distribution give the same twice; of shares that were averaged, over views
    or folds, the border that says more counts more: in proportion to P (1 - P), with P the share above it. Shares of
    float32 reach 87 spreads from a border.
    """
    s = shares.astype(np.float64).clip(np.finfo(np.float32).tiny)  # a share of 0 is one too small to be written
    below = np.stack([s[:, 0], s[:, 0] + s[:, 1]], axis=1)  # (N, 2)
    above = np.stack([s[:, 1] + s[:, 2], s[:, 2]], axis=1)  # (N, 2)
    ages = np.array(AGE_BORDERS) + age_spread * (np.log(above) - np.log(below))  # (N, 2)
    years: Floats = np.average(ages, axis=1, weights=above * below)
    return years


def age_shares(scores: NDArray[np.floating]) -> Floats:
    """Shares of the age buckets (N, 3) in probabilities (N, 18) of the mask competition's classes."""
    if scores.ndim != 2 or scores.shape[1] != len(CLASS_NAMES):
        raise ValueError(
            f"scores are of shape {scores.shape}: ages are those of the mask competition's {len(CLASS_NAMES)} classes"
        )
    shares: Floats = (
        scores.astype(np.float64).reshape(len(scores), len(MASK_STATES) * len(GENDERS), len(AGE_BUCKETS)).sum(1)
    )
    return shares
