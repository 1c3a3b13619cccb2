"""The groups that a sampler balances: a table's rows by class, by a factor (age bucket, gender, mask) or several."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import DataError, quote
from data.findings import some_names
from data.labels import FACTORS

Columns = str | tuple[str, ...]
Absent = Literal["refuse", "skip"]


@dataclass(frozen=True)
class SamplingGroups:
    """Rows of a fold's training table by the value of a column, or of several columns at once.

    names: every group that has rows. codes: (N,) the group of each row, an index into names. counts: rows of each.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]

    def rows(self, group: int) -> NDArray[np.int64]:
        """Positions in the table of a group's rows, in its order."""
        return np.flatnonzero(self.codes == group)


def sampling_groups(
    table: pd.DataFrame, *, by: Columns, class_names: Sequence[str], fold: int, absent: Absent
) -> SamplingGroups:
    """Groups of a training table by the column or columns `by`.

    The values that must be there are all classes for "target", the factor's own for mask, gender and age
    (data.labels.FACTORS), and those that occur for any other column; of several columns, every combination.
    absent: what is done about a value without a row: "refuse" it, or "skip" it and balance the others.
    Raises DataError, naming sampler and split, for a value without a row, an empty cell and an unknown column.
    """
    if absent not in ("refuse", "skip"):
        raise DataError(f'sampler takes absent={absent!r}: "refuse" or "skip" would be right.')
    columns = (by,) if isinstance(by, str) else tuple(by)
    coded = [_coded(table, column, class_names) for column in columns]
    names = [", ".join(parts) for parts in product(*(names for names, _ in coded))]
    shape = [len(names) for names, _ in coded]
    codes = np.ravel_multi_index(tuple(codes for _, codes in coded), shape)  # (N,)
    counts = np.bincount(codes, minlength=len(names))  # (K,)
    lacking = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if lacking and absent == "refuse":
        raise DataError(
            f"sampler balances by {' and '.join(columns)}, and split leaves fold {fold + 1} no training image of "
            f'{some_names(lacking)}: another `by`, fewer folds, or absent="skip" would be right.'
        )
    found = np.flatnonzero(counts)
    return SamplingGroups(tuple(names[code] for code in found), np.searchsorted(found, codes), counts[found])


def _coded(table: pd.DataFrame, column: str, class_names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Names of a column's values, and the index of each row's (N,)."""
    if column not in table:
        available = ", ".join(map(str, table))
        raise DataError(f"sampler balances by {quote(column)}, which the data lack; available: {available}.")
    values = table[column]
    empty = values.isna() | (values.astype(str).str.strip() == "")
    if empty.any():
        first = quote(str(table.loc[empty, "image_id"].iloc[0]))
        raise DataError(
            f"sampler balances by {column}, which is empty for {empty.sum()} of {len(table)} training images, the "
            f"first {first}: a value for each would be right."
        )
    known = class_names if column == "target" else FACTORS.get(column)
    if known is not None and pd.api.types.is_integer_dtype(values):
        return list(known), values.to_numpy(np.int64)
    codes, found = pd.factorize(values, sort=True)
    return [str(value) for value in found], codes.astype(np.int64)
