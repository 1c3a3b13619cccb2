"""submission.csv: written in the order of the test table, read back, and checked to the letter."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from data.csv_rows import FORMULA_STARTS, numbered, read_rows
from data.csv_text import csv_text
from data.errors import DataError, quote
from data.findings import raise_first, some_names
from data.metadata import ImageData


@dataclass(frozen=True)
class SubmissionForm:
    """What a submission must look like: its two columns, the test ids in their order, and the answer of each class."""

    id_column: str
    answer_column: str
    ids: tuple[str, ...]            # N, the order of the rows
    answers: tuple[str, ...]        # C, answers[i] of class i; none where they are not known

    @property
    def answers_in_words(self) -> str:
        """What an answer may be, for a sentence."""
        if self.answers == tuple(map(str, range(len(self.answers)))):
            return f"an integer from 0 to {len(self.answers) - 1}"
        return some_names(list(self.answers))


def submission_form(data: ImageData) -> SubmissionForm:
    """The form of a data set's submissions: integers for the mask competition, label texts for a generic one."""
    answers = tuple(map(str, range(len(data.class_names)))) if data.form == "mask" else data.class_names
    return SubmissionForm(data.id_column, data.answer_column, tuple(data.test["image_id"]), answers)


def write_submission(path: Path, data: ImageData, image_ids: Sequence[str], labels: ArrayLike) -> None:
    """Write a data set's submission by :func:`write_answers`; DataError where it has no test set."""
    if data.test.empty:
        raise DataError(f"{data.root} has no test set; expected one to write {path} for.")
    write_answers(path, submission_form(data), image_ids, labels)


def write_answers(path: Path, form: SubmissionForm, image_ids: Sequence[str], labels: ArrayLike) -> None:
    """Write a submission: the form's ids in its order, each with its class; replaces the file as a whole.

    image_ids: the N test ids, in any order. labels: (N,) integers 0..len(answers)-1, labels[i] for image_ids[i].
    What was written is on disk, and was read back and checked by :func:`read_answers`, before it takes its name.
    Raises DataError where an id is missing, unknown or there twice, a label is not an integer of the range, or the file
    can't be written.
    """
    classes = _checked_classes(labels, len(image_ids), len(form.answers))
    class_of = dict(zip(image_ids, classes.tolist(), strict=True))
    _check_ids(f"{path}: the predictions", list(image_ids), form.ids)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    rows = ((image_id, form.answers[class_of[image_id]]) for image_id in form.ids)
    body = csv_text([(form.id_column, form.answer_column), *rows]).encode()
    try:
        with temporary.open("wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        read_answers(temporary, form)
        os.replace(temporary, path)
    except OSError as error:
        needed = f"{len(body):,} bytes were to be written"
        raise DataError(f"{path} can't be written: {error.strerror}; {needed}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_submission(path: Path, data: ImageData) -> NDArray[np.int64]:
    """The classes (N,) of a data set's submission, by :func:`read_answers`."""
    return read_answers(path, submission_form(data))


def read_answers(path: Path, form: SubmissionForm) -> NDArray[np.int64]:
    """The classes (N,) a submission gives the form's ids, in that order, if all of the file is as it must be.

    Raises DataError on another header (an index column, further columns), on ids that are not the form's in its order,
    and on answers that are none of the form's (13.0). `analysis.submissions` tells all that is wrong, and repairs it.
    """
    header = (form.id_column, form.answer_column)
    rows, findings = read_rows(path, header)
    raise_first(findings)
    if tuple(rows.columns) != header:
        raise DataError(f"{path}, row 1: the columns are {some_names(list(rows.columns))}; expected only "
                        f"{','.join(header)}.")
    ids = list(rows[form.id_column])
    _check_ids(str(path), ids, form.ids)
    for row, found, expected in zip(rows.index, ids, form.ids, strict=True):
        if found != expected:
            raise DataError(f"{path}, row {row}: {form.id_column} is {quote(found)}; expected {quote(expected)}, "
                            f"as in the test set's order.")
    class_of = {answer: index for index, answer in enumerate(form.answers)}
    answers = numbered(rows[form.answer_column])
    for row, answer in answers:
        if answer not in class_of:
            raise DataError(f"{path}, row {row}: {form.answer_column} is {quote(answer)}; expected "
                            f"{form.answers_in_words}.")
    return np.array([class_of[answer] for _, answer in answers], np.int64)


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


def _check_ids(where: str, ids: list[str], expected: Sequence[str]) -> None:
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
