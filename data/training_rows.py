"""Rows that a fold is trained on: a table with hard targets and, where some are soft, a distribution for each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.labels import FACTORS, decode

Soft = NDArray[np.float32]


@dataclass(frozen=True)
class TrainingRows:
    """Images with their targets.

    table: columns as of ImageData.train; target is the class, where it is soft the most probable one: samplers and
    class counts go by it. A path is relative to the data's root, or absolute for an image that lies elsewhere.
    soft: (N, C) a distribution over the classes for each row; None where all targets are hard.
    """

    table: pd.DataFrame
    soft: Soft | None = None

    def distributions(self, classes: int) -> Soft:
        """Every row's target as a distribution (N, C): one-hot where it is hard."""
        if self.soft is not None:
            return self.soft
        return np.eye(classes, dtype=np.float32)[self.table["target"].to_numpy(np.int64)]


def join_rows(parts: Sequence[TrainingRows], classes: int) -> TrainingRows:
    """All rows, one part after the other, with the first part's columns; soft as soon as one part is.

    What a later part does not tell is filled in: mask, gender and age from the class, anything else as not known (NaN).
    """
    first, *others = [part for number, part in enumerate(parts) if number == 0 or len(part.table)]
    if not others:
        return first
    tables = [first.table, *(_with_factors(part.table, first.table) for part in others)]
    table = pd.concat(tables, ignore_index=True)[list(first.table)]
    if all(part.soft is None for part in (first, *others)):
        return TrainingRows(table)
    return TrainingRows(table, np.concatenate([part.distributions(classes) for part in (first, *others)]))


def _with_factors(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """The table's columns that `like` has too, and the factors where `like` has them."""
    kept = table[[name for name in like if name in table]]
    if not set(FACTORS) <= set(like):
        return kept
    return kept.assign(**dict(zip(FACTORS, decode(table["target"]), strict=True)))


@dataclass(frozen=True)
class ExtraRows:
    """Rows that come from elsewhere than the train set.

    origin: where from, as JSON that is the same wherever the files lie; it is recorded with the run and part of what
    makes it this run, so it tells the rows' contents too.
    """

    rows: TrainingRows
    origin: dict[str, Any]
