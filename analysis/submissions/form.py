"""What a submission must look like, learnt from a run, from runs or from another file: no data folder is needed."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np

from analysis.run_predictions import names_of_classes, read_test
from data.csv_rows import read_rows
from data.errors import DataError, quote
from data.findings import raise_first
from data.labels import CLASS_NAMES
from data.submission import SubmissionForm
from runners.run_folder import RunFolder, list_runs

MASK_COLUMNS = ("ImageID", "ans")  # of the mask competition, whose answers are the integers 0..17


def form_of_run(run: RunFolder) -> SubmissionForm:
    """The form of a finished run's submission: header and ids of submission.csv, the answer of each class.

    In the mask competition's columns answers are the classes' numbers, in any other data the labels' texts. Raises
    DataError where there is no submission, or it is not what the run predicts.
    """
    if not run.submission.exists():
        raise DataError(f"{run.root} has no submission.csv: it is not finished, or its data has no test images.")
    test_ids, test = read_test(run)
    header, ids, found = _columns(run.submission)
    names = names_of_classes(run, test.shape[1])
    if ids != test_ids.tolist():
        raise DataError(
            f"{run.submission}: its {len(ids)} ids are not the {len(test_ids)} of test.npz in "
            "that order; it is not the file its run wrote."
        )
    answers = tuple(map(str, range(len(names)))) if header == MASK_COLUMNS else names
    if found != [answers[label] for label in test.argmax(1).tolist()]:
        what = "numbers of classes" if header == MASK_COLUMNS else "texts of labels"
        raise DataError(
            f"{run.submission}: its answers are not what test.npz predicts, as {what}; it is not the file its run "
            "wrote."
        )
    return SubmissionForm(*header, tuple(ids), answers)


def form_of_file(path: Path, classes: int | None = None) -> SubmissionForm:
    """The form of a file with two columns, such as info.csv or a submission that was accepted.

    Answers are the integers below `classes`; without it 0..17 in the mask competition's columns, otherwise not known.
    """
    header, ids, _ = _columns(path)
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise DataError(f"{path}: id {quote(twice[0])} is there twice; expected a file that was accepted.")
    if classes is None and header == MASK_COLUMNS:
        classes = len(CLASS_NAMES)
    return SubmissionForm(*header, tuple(ids), tuple(map(str, range(classes or 0))))


def find_form(runs: Path, ids: Collection[str]) -> tuple[SubmissionForm, RunFolder]:
    """The form of the finished run whose test ids are most like `ids`, of equal ones the latest; and that run."""
    wanted = set(ids)
    best: tuple[float, SubmissionForm, RunFolder] | None = None
    for run in reversed(list_runs(runs)):
        if not (run.finished and run.submission.exists()):
            continue
        try:
            form = form_of_run(run)
        except DataError:  # a run that is damaged has no say; its loss is its owner's to find
            continue
        shared = len(wanted.intersection(form.ids)) / len(form.ids)
        if best is None or shared > best[0]:
            best = shared, form, run
        if shared == 1:
            break
    if best is None:
        raise DataError(
            f"No finished run in {runs} has a submission to go by; say what the file must look like with "
            "--data PATH, or with --like FILE, a file that was accepted."
        )
    return best[1], best[2]


def _columns(path: Path) -> tuple[tuple[str, str], list[str], list[str]]:
    """Header, ids and answers of a file with two columns."""
    rows, findings = read_rows(path, ())
    raise_first(findings)
    if len(rows.columns) != 2:
        raise DataError(f"{path}, row 1: {len(rows.columns)} columns; expected 2, ids and answers.")
    first, second = map(str, rows.columns)
    columns = np.asarray(rows, object)
    return (first, second), columns[:, 0].tolist(), columns[:, 1].tolist()
