"""submission.csv: written in the order of the test table, read back, and checked to the letter."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from data.csv_rows import FORMULA_STARTS, numbered, read_rows
from data.errors import DataError, quote
from data.findings import raise_first, some_names
from data.metadata import ImageData


def write_submission(path: Path, data: ImageData, image_ids: Sequence[str], labels: ArrayLike) -> None:
    """Write a submission: the test table's ids in its order, each with its class; replaces the file as a whole.

    image_ids: the N test ids, in any order. labels: (N,) integers 0..len(class_names)-1, labels[i] for image_ids[i].
    The mask competition gets the integer, a generic data set the label's text. What was written is read back and
    checked by :func:`check_submission` before it takes its name.
    Raises DataError where there is no test set, an id is missing, unknown or there twice, a label is not an integer of
    the range, or the file can't be written.
    """
    test_ids = list(data.test["image_id"])
    if not test_ids:
        raise DataError(f"{data.root} has no test set; expected one to write {path} for.")
    classes = _checked_classes(labels, len(image_ids), len(data.class_names))
    class_of = dict(zip(image_ids, classes.tolist(), strict=True))
    _check_ids(f"{path}: the predictions", list(image_ids), test_ids)
    answers = [_answer(data, class_of[image_id]) for image_id in test_ids]

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow((data.id_column, data.answer_column))
            writer.writerows(zip(test_ids, answers, strict=True))
        check_submission(temporary, data)
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_submission(path: Path, data: ImageData) -> NDArray[np.int64]:
    """The classes (N,) a submission gives the test table's rows, in that order, if all of the file is as it must be.

    Raises DataError on another header (an index column, further columns), on ids that are not those of the test table
    in its order, and on answers that are not an integer of the range (13.0) or, in a generic data set, a label.
    """
    header = (data.id_column, data.answer_column)
    rows, findings = read_rows(path, header)
    raise_first(findings)
    if tuple(rows.columns) != header:
        raise DataError(f"{path}, row 1: the columns are {some_names(list(rows.columns))}; expected only "
                        f"{','.join(header)}.")
    ids, test_ids = list(rows[data.id_column]), list(data.test["image_id"])
    _check_ids(str(path), ids, test_ids)
    for row, found, expected in zip(rows.index, ids, test_ids, strict=True):
        if found != expected:
            raise DataError(f"{path}, row {row}: {data.id_column} is {quote(found)}; expected {quote(expected)}, "
                            f"as in the test set's order.")
    class_of = {_answer(data, index): index for index in range(len(data.class_names))}
    answers = numbered(rows[data.answer_column])
    for row, answer in answers:
        if answer not in class_of:
            words = f"an integer from 0 to {len(class_of) - 1}" if data.form == "mask" else some_names(list(class_of))
            raise DataError(f"{path}, row {row}: {data.answer_column} is {quote(answer)}; expected {words}.")
    return np.array([class_of[answer] for _, answer in answers], np.int64)


def _answer(data: ImageData, index: int) -> str:
    return str(index) if data.form == "mask" else data.class_names[index]


def _checked_classes(labels: ArrayLike, images: int, classes: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.shape != (images,):
        raise DataError(f"The labels have shape {array.shape}; expected ({images},), one for each image id.")
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"The labels are of type {array.dtype}; expected integers from 0 to {classes - 1}.")
    wrong = array[(array < 0) | (array >= classes)]
    if wrong.size:
        raise DataError(f"A label is {wrong[0]}; expected integers from 0 to {classes - 1}.")
    return array.astype(np.int64)


def _check_ids(where: str, ids: list[str], expected: list[str]) -> None:
    """DataError unless the ids are the expected ones, each once, in any order."""
    counts = pd.Series(ids, dtype="object").value_counts()
    for problem, names in (
        ("twice", list(counts.index[counts > 1])),
        ("that are not in the test set", sorted(set(ids) - set(expected))),
        ("that start like a spreadsheet formula", [name for name in ids if name.startswith(FORMULA_STARTS)]),
    ):
        if names:
            raise DataError(f"{where}: {len(names)} ids {problem}: {some_names(names)}; expected each test id once.")
    missing = sorted(set(expected) - set(ids))
    if missing:
        raise DataError(f"{where}: no answer for {len(missing)} of {len(expected)} test ids: {some_names(missing)}; "
                        f"expected each test id once.")
