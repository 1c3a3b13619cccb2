"""Which fold validates which image: persons stay whole, classes and sizes are balanced, a split can be kept as a file.

A fold is 0, 1, 2 ..., or -1 for what is never validated and always trained on.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from data.balance import class_counts, distribute
from data.csv_rows import as_cell, from_cell, read_rows
from data.csv_text import csv_text
from data.errors import DataError, quote
from data.findings import raise_first

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PersonStratifiedKFold:
    """K folds of whole persons with, as far as persons allow, the same class shares and the same size in each."""

    folds: int

    def __post_init__(self) -> None:
        _check_fold_count(self.folds)

    def assign(self, table: pd.DataFrame, *, seed: int) -> Ints:
        """Fold of each image, shape (N,), 0..folds-1, from the columns person and target; the rows' order has no say.

        Raises DataError where there are fewer persons than folds.
        """
        return _k_folds(table["person"], table["target"].to_numpy(np.int64), self.folds, seed)


@dataclass(frozen=True)
class PersonGroupKFold:
    """K folds of whole persons and, as far as persons allow, the same size; the labels are not looked at."""

    folds: int

    def __post_init__(self) -> None:
        _check_fold_count(self.folds)

    def assign(self, table: pd.DataFrame, *, seed: int) -> Ints:
        """Fold of each image, shape (N,), 0..folds-1, from the column person; the rows' order has no say.

        Raises DataError where there are fewer persons than folds.
        """
        return _k_folds(table["person"], np.zeros(len(table), np.int64), self.folds, seed)


@dataclass(frozen=True)
class PersonHoldout:
    """One stratified hold-out of whole persons: fold 0 is validated, the rest (-1) is always trained on."""

    valid_fraction: float

    def __post_init__(self) -> None:
        if not 0 < self.valid_fraction < 1:
            raise DataError(f"valid_fraction is {self.valid_fraction}: it must lie between 0 and 1, both excluded.")

    def assign(self, table: pd.DataFrame, *, seed: int) -> Ints:
        """0 or -1 for each image, shape (N,): about valid_fraction of the images, and at least one person on each side.

        Reads the columns person and target. Raises DataError where there are fewer than two persons.
        """
        person = _person_numbers(table["person"])
        counts = class_counts(person, table["target"].to_numpy(np.int64))
        if len(counts) < 2:
            raise DataError(f"A hold-out needs at least 2 persons, the data has {len(counts)}.")
        fraction = np.clip(self.valid_fraction, 0.5 / len(counts), 1 - 0.5 / len(counts))
        folds = -distribute(counts, np.array([fraction, 1 - fraction]), np.random.default_rng(seed))[person]
        check_split(table["person"], folds)
        return folds


@dataclass(frozen=True)
class PersonSplit:
    """A split kept as a folds.csv: the fold of each image, or of each person."""

    path: Path
    rows: pd.DataFrame = field(repr=False, compare=False)  # person (text), fold (int64), image_id (text) where given

    @classmethod
    def from_csv(cls, path: str | Path) -> "PersonSplit":
        """Read a file with the columns person, fold and, unless it lists persons only, image_id; ids are text.

        Raises DataError as :func:`data.csv_rows.read_rows` does, and for a fold that is no whole number, an image
        listed twice, a person in two folds.
        """
        file = Path(path)
        rows, findings = read_rows(file, ("person", "fold"))
        raise_first(findings)
        rows = rows[[name for name in ("image_id", "person", "fold") if name in rows]]
        names = [name for name in ("image_id", "person") if name in rows]
        rows[names] = rows[names].map(from_cell)
        wrong = rows.index[~rows["fold"].str.fullmatch(r"-1|[0-9]{1,6}")]
        if len(wrong):
            raise DataError(
                f"{file}, row {wrong[0]}: fold is {quote(rows['fold'][wrong[0]])}, it must be a whole number "
                "from 0 on, or -1 for what is never validated."
            )
        rows = rows.astype({"fold": np.int64})
        again = rows[rows["image_id"].duplicated()] if "image_id" in rows else rows[:0]
        if len(again):
            image = quote(again["image_id"].iloc[0])
            raise DataError(f"{file}, row {again.index[0]}: image {image} is listed for the second time.")
        first_fold = rows.groupby("person")["fold"].transform("first")
        wrong = rows.index[rows["fold"] != first_fold]
        if len(wrong):
            row = wrong[0]
            raise DataError(
                f"{file}, row {row}: person {quote(rows['person'][row])} is in fold {rows['fold'][row]} here "
                f"and in fold {first_fold[row]} above; a person belongs to one fold."
            )
        return cls(file, rows.reset_index(drop=True))

    def assign(self, table: pd.DataFrame, *, seed: int) -> Ints:
        """Fold of each image, shape (N,), as the file has it, from the columns image_id and person; no seed changes it.

        Raises DataError where file and data differ in images or persons, or in whose image it is.
        """
        key = "image_id" if "image_id" in self.rows else "person"
        noun = key.removesuffix("_id")
        known = self.rows.drop_duplicates(key).set_index(key)
        lacking = table[key][~table[key].isin(known.index)].unique()
        if len(lacking):
            raise DataError(f"{self.path}: lacks {len(lacking)} {noun}(s) of the data, first {quote(lacking[0])}.")
        unknown = known.index[~known.index.isin(table[key])]
        if len(unknown):
            first = quote(unknown[0])
            raise DataError(f"{self.path}: names {len(unknown)} {noun}(s) the data does not have, first {first}.")
        matched = known.loc[table[key]].reset_index()
        row = _first(matched["person"].to_numpy() != table["person"].to_numpy())
        if row is not None:
            raise DataError(
                f"{self.path}: image {quote(matched[key][row])} belongs to person {quote(matched['person'][row])} "
                f"there, to person {quote(table['person'].iloc[row])} in the data."
            )
        folds = matched["fold"].to_numpy(np.int64)
        check_split(table["person"], folds)
        return folds


def split_text(rows: pd.DataFrame) -> str:
    """A folds.csv of rows with its columns: :meth:`PersonSplit.from_csv` reads it, and no spreadsheet runs it."""
    texts = [name for name in ("image_id", "path", "person") if name in rows]
    safe = rows.assign(**{name: rows[name].map(as_cell) for name in texts})
    return csv_text([list(safe), *zip(*(safe[name].tolist() for name in safe), strict=True)])


def check_split(persons: ArrayLike, folds: ArrayLike) -> None:
    """Hold that a split is one: persons (N,) and their images' folds (N,).

    Raises DataError where nothing is validated, a fold 0..max has no image, a person is in two folds or has no name.
    """
    folds = np.asarray(folds, np.int64)
    codes, names = _codes(persons)
    if not (folds >= 0).any():
        raise DataError("The split validates nothing: every image has fold -1, at least one needs a fold from 0 on.")
    if folds.min() < -1:
        raise DataError(f"The split has fold {folds.min()}: folds are 0, 1, 2 ..., or -1 for what is never validated.")
    gap = _first(np.bincount(np.minimum(folds[folds >= 0], len(folds))) == 0)  # N images can't fill folds 0..N
    if gap is not None:
        raise DataError(f"The split has fold {folds.max()} but no image in fold {gap}: folds are 0, 1, 2 ... or -1.")
    fold_of_person = np.empty(len(names), np.int64)
    fold_of_person[codes] = folds
    row = _first(fold_of_person[codes] != folds)
    if row is not None:
        raise DataError(
            f"Person {quote(str(names[codes[row]]))} is in fold {folds[row]} and in fold {fold_of_person[codes[row]]}; "
            "a person belongs to one fold."
        )


def _check_fold_count(folds: int) -> None:
    if not isinstance(folds, int) or folds < 2:
        raise DataError(f"folds is {folds!r}: it must be a whole number, at least 2.")


def _first(wrong: ArrayLike) -> int | None:
    """Row of the first True, None without one."""
    rows = np.flatnonzero(np.asarray(wrong, bool))
    return int(rows[0]) if len(rows) else None


def _codes(persons: ArrayLike) -> tuple[Ints, NDArray[np.object_]]:
    """Number of each image's person (N,) in order of appearance, and the persons (P,)."""
    persons = np.asarray(persons, object)
    begins = np.flatnonzero(np.append(True, persons[1:] != persons[:-1])[: len(persons)])  # of runs: text hashes slowly
    codes, names = pd.factorize(persons[begins])
    codes = np.repeat(codes, np.diff(begins, append=len(persons)))
    row = _first(codes < 0)
    if row is not None:
        raise DataError(f"Row {row} of the table (the first is 0) has no person; every image needs one.")
    return codes, names


def _person_numbers(persons: ArrayLike) -> Ints:
    """Number of each image's person (N,) in the order of the sorted names, so that the rows' order has no say."""
    codes, names = _codes(persons)
    return np.argsort(np.argsort(names, kind="stable"))[codes]


def _k_folds(persons: pd.Series, target: Ints, folds: int, seed: int) -> Ints:
    person = _person_numbers(persons)
    counts = class_counts(person, target)
    if len(counts) < folds:
        raise DataError(f"{folds} folds need at least {folds} persons, the data has {len(counts)}.")
    rng = np.random.default_rng(seed)
    part = distribute(counts, np.full(folds, 1 / folds), rng)
    assigned = rng.permutation(folds)[part][person]  # else the first of equal folds would always be fold 0
    check_split(persons, assigned)
    return assigned
