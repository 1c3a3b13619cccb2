"""Known wrong labels as data: a CSV with a reason a row, applied on request to the mask competition's train table."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.csv_rows import read_rows
from data.errors import DataError, quote
from data.findings import raise_first, some_names
from data.folders import nfc
from data.labels import GENDERS, MASK_STATES, STEM_TO_MASK, age_bucket, encode

MASK_CORRECTIONS = Path(__file__).with_name("mask_corrections.csv")   # those many teams found, and agree on

COLUMNS = ("id", "stem", "field", "from", "to", "reason")
COLUMN_OF_FIELD = {"mask": "mask", "gender": "gender", "age": "years"}


@dataclass(frozen=True)
class Corrected:
    """A train table with its labels corrected."""

    train: pd.DataFrame
    rows_changed: int
    skipped: tuple[str, ...]   # the file's corrections of people or images that the table lacks, as "row 3: 000020"


@dataclass(frozen=True)
class _Correction:
    where: str                 # file and row, for sentences
    id: str
    path: str                  # "" where the id alone names the person
    stem: str                  # "" for all images of the person
    field: str                 # a key of COLUMN_OF_FIELD
    old: int
    new: int


def apply_corrections(train: pd.DataFrame, csv_file: Path) -> Corrected:
    """The table with a file's corrections made; the table given is left as it is.

    The file's columns are id, stem (empty: all images of the person), field (mask, gender or age), from, to, reason
    and, if wanted, path (then it names the person, and the id must agree but for leading zeros). Values are the words
    of data.labels (worn, female ...), for age whole years. A person or image that the table lacks is skipped, so that
    one file serves every subset of the data. Raises DataError where a cell is wrong, a `from` is not what the table
    says, an id without path names two people, or two rows correct the same label.
    """
    if "mask" not in train:
        raise DataError(f"{csv_file} corrects mask, gender or age; this data set has only labels (expected: no file).")
    rows, findings = read_rows(csv_file, COLUMNS)
    raise_first(findings)
    stems = train["path"].str.replace(r"^.*/|\.[^.]*$", "", regex=True).to_numpy()
    corrected = train.copy()
    corrected_by: dict[tuple[str, str], str] = {}   # (image_id, field) -> where
    skipped = []
    for row, cells in zip(rows.index, rows.to_dict("records"), strict=True):
        correction = _parsed(f"{csv_file}, row {row}", {str(column): str(cell) for column, cell in cells.items()})
        chosen = _person(train, correction)
        if correction.stem:
            chosen = chosen & (stems == correction.stem)
        if not chosen.any():
            skipped.append(f"row {row}: {' '.join(filter(None, (correction.path or correction.id, correction.stem)))}")
            continue
        _check_labels(train[chosen], correction, corrected_by)
        corrected.loc[chosen, COLUMN_OF_FIELD[correction.field]] = correction.new
    corrected["age"] = age_bucket(corrected["years"])
    corrected["target"] = encode(corrected["mask"], corrected["gender"], corrected["age"])
    return Corrected(corrected, len({image for image, _ in corrected_by}), tuple(skipped))


def _parsed(where: str, cells: dict[str, str]) -> _Correction:
    field, stem = cells["field"], cells["stem"]
    if field not in COLUMN_OF_FIELD:
        raise DataError(f"{where}: field is {quote(field)}; expected mask, gender or age.")
    if stem and stem not in STEM_TO_MASK:
        raise DataError(f"{where}: stem is {quote(stem)}; expected one of {', '.join(STEM_TO_MASK)}, or nothing.")
    if not cells["reason"].strip():
        raise DataError(f"{where}: reason is empty; expected why the label is wrong.")
    old, new = (_value(where, field, column, cells[column]) for column in ("from", "to"))
    if old == new:
        raise DataError(f"{where}: from and to are both {quote(cells['to'])}; expected two values.")
    return _Correction(where, cells["id"], nfc(cells.get("path", "")), stem, field, old, new)


def _value(where: str, field: str, column: str, text: str) -> int:
    if field == "age":
        if re.fullmatch("[0-9]{1,3}", text) and int(text) <= 120:
            return int(text)
        raise DataError(f"{where}: {column} is {quote(text)}; expected whole years from 0 to 120.")
    words = MASK_STATES if field == "mask" else GENDERS
    if text not in words:
        raise DataError(f"{where}: {column} is {quote(text)}; expected {' or '.join(words)}.")
    return words.index(text)


def _person(train: pd.DataFrame, correction: _Correction) -> NDArray[np.bool_]:
    """Which rows, (N,), are images of the person."""
    if correction.path:
        chosen = (train["person"] == correction.path).to_numpy(bool)
        ids = set(train["id"][chosen])
        if any(id_.lstrip("0") != correction.id.lstrip("0") for id_ in ids):
            raise DataError(f"{correction.where}: id is {quote(correction.id)}; expected {some_names(sorted(ids))}, "
                            f"the id of {correction.path}.")
        return chosen
    chosen = (train["id"] == correction.id).to_numpy(bool)
    people = sorted(set(train["person"][chosen]))
    if len(people) > 1:
        raise DataError(f"{correction.where}: id {quote(correction.id)} names {len(people)} people; "
                        f"expected a column path with {some_names(people)}.")
    return chosen


def _check_labels(images: pd.DataFrame, correction: _Correction, corrected_by: dict[tuple[str, str], str]) -> None:
    """DataError unless the images bear the label to be corrected, and no earlier row corrects them; notes this one."""
    field = correction.field
    for image_id, label in zip(images["image_id"], images[COLUMN_OF_FIELD[field]], strict=True):
        if label != correction.old:
            raise DataError(f"{correction.where}: the {field} of {quote(image_id)} is {_word(field, label)}; "
                            f"expected {_word(field, correction.old)}, as the row's 'from' says.")
        earlier = corrected_by.setdefault((image_id, field), correction.where)
        if earlier != correction.where:
            raise DataError(f"{correction.where}: the {field} of {quote(image_id)} is corrected by {earlier} already; "
                            f"expected one row a label.")


def _word(field: str, value: int) -> str:
    return str(value) if field == "age" else (MASK_STATES if field == "mask" else GENDERS)[value]
