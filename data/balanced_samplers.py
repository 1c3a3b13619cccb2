"""Samplers against imbalance, by class or by factor: made of a fold's training table, so no validation row is drawn.

Each takes `table` and `class_names` beside seed and fold, as the runner gives them to a sampler that asks. `by` is a
column of the table ("target", "age", "gender", "mask", "person") or several at once, ("mask", "age"); `absent` is what
is done about a value that no training image has, "refuse" or "skip".
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import DataError
from data.findings import some_names
from data.samplers import DrawnSampler
from data.sampling_groups import Absent, Columns, SamplingGroups, sampling_groups


def oversampled(
    images: int,
    *,
    table: pd.DataFrame,
    class_names: Sequence[str],
    seed: int,
    fold: int,
    by: Columns,
    absent: Absent,
) -> DrawnSampler:
    """As many images of each value as the commonest has: all of its images as often as fits, the rest drawn.

    An epoch is longer by that: values times the images of the commonest.
    """
    groups = sampling_groups(table, by=by, class_names=class_names, fold=fold, absent=absent)
    each = int(groups.counts.max())
    return DrawnSampler(partial(_equal_shares, groups, each), each * len(groups.names), seed=seed, fold=fold)


def undersampled(
    images: int,
    *,
    table: pd.DataFrame,
    class_names: Sequence[str],
    seed: int,
    fold: int,
    by: Columns,
    absent: Absent,
) -> DrawnSampler:
    """As many images of each value as the rarest has, drawn anew each epoch, none twice; an epoch is shorter."""
    groups = sampling_groups(table, by=by, class_names=class_names, fold=fold, absent=absent)
    each = int(groups.counts.min())
    return DrawnSampler(partial(_equal_shares, groups, each), each * len(groups.names), seed=seed, fold=fold)


def class_balanced(
    images: int,
    *,
    table: pd.DataFrame,
    class_names: Sequence[str],
    seed: int,
    fold: int,
    by: Columns,
    power: float,
    absent: Absent,
) -> DrawnSampler:
    """As many draws as there are images, with replacement; a value of n images has a share of n ** power.

    power 0 gives each value the same share, 0.5 is square-root sampling, 1 leaves the shares as they are (Kang et al.
    2020, Decoupling representation and classifier).
    """
    if not (isinstance(power, int | float) and math.isfinite(power)):
        raise DataError(f"sampler takes power={power!r}: a number, such as 0 or 0.5, would be right.")
    groups = sampling_groups(table, by=by, class_names=class_names, fold=fold, absent=absent)
    return _with_replacement(groups, (groups.counts / groups.counts.max()) ** (power - 1), seed=seed, fold=fold)


def weighted(
    images: int,
    *,
    table: pd.DataFrame,
    class_names: Sequence[str],
    seed: int,
    fold: int,
    by: Columns,
    weights: Mapping[str, float],
    absent: Absent,
) -> DrawnSampler:
    """As many draws as there are images, with replacement; an image is drawn in proportion to its value's weight.

    weights: a number from 0 on for each value by name, such as {"<30": 1, "30-59": 1, ">=60": 4}; of several columns,
    "worn, >=60". Raises DataError for a value without a weight and a weight without a value.
    """
    groups = sampling_groups(table, by=by, class_names=class_names, fold=fold, absent=absent)
    missing = [name for name in groups.names if name not in weights]
    unknown = [] if absent == "skip" else [name for name in weights if name not in groups.names]
    if missing or unknown:
        what = f"no weight for {some_names(missing)}" if missing else f"a weight for {some_names(unknown)}"
        raise DataError(f"sampler has {what}: a number for each of {', '.join(groups.names)} would be right.")
    values = np.array([weights[name] for name in groups.names], np.float64)
    if not (np.isfinite(values).all() and (values >= 0).all() and values.sum() > 0):
        raise DataError(f"sampler has weights {dict(weights)}: numbers from 0 on, not all 0, would be right.")
    return _with_replacement(groups, values, seed=seed, fold=fold)


def _equal_shares(groups: SamplingGroups, each: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`each` positions of every group, all of its rows equally often or once more, in random order."""
    parts = []
    for group, count in enumerate(groups.counts):
        rows = groups.rows(group)
        parts += [np.tile(rows, each // count), rng.permutation(rows)[: each % count]]
    return rng.permutation(np.concatenate(parts))


def _with_replacement(
    groups: SamplingGroups, image_weights: NDArray[np.float64], *, seed: int, fold: int
) -> DrawnSampler:
    """As many draws as rows; image_weights: (K,) the relative chance of one image of each group."""
    chances = image_weights[groups.codes]  # (N,)
    draw = partial(_choice, chances / chances.sum())
    return DrawnSampler(draw, len(chances), seed=seed, fold=fold)


def _choice(chances: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(len(chances), size=len(chances), p=chances)
