"""Voting among submission files, where there are no probabilities: each file's answer counts as much as its score."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.submissions.check import check_file
from analysis.submissions.form import find_form, form_of_file
from data.errors import DataError
from data.submission import SubmissionForm
from runners.run_folder import RunFolder

SAME = 1e-9  # sums of scores nearer than this are equal


@dataclass(frozen=True)
class Ballot:
    """F files' answers to N ids."""

    files: tuple[Path, ...]
    form: SubmissionForm  # answers: all that may be given, or all that were
    run: RunFolder | None  # whose form it is; None: of a file
    labels: NDArray[np.int64]  # (F, N) index among the form's answers, in the form's order of ids


@dataclass(frozen=True)
class Outcome:
    """What was voted: the winning answer of each id, and how it came about."""

    labels: NDArray[np.int64]  # (N,)
    weights: tuple[float, ...]  # (F,)
    ties: int  # ids where the best file among the tied ones decided
    unanimous: int  # ids all files answer alike


def read_ballot(files: Sequence[Path], runs: Path, like: Path | None = None) -> Ballot:
    """Answers of two or more files, joined by id; their order may differ, nothing else.

    The form is that of the file `like`, else of a finished run with the same ids, else of the first file, whose order
    the others then must have: which one is right, nobody says. Raises DataError where a file is there twice, has other
    ids, or does not pass the check.
    """
    if len(files) < 2:
        raise DataError(f"{len(files)} file given; a vote needs two or more.")
    same = [path for place, path in enumerate(files) if path.resolve() in {one.resolve() for one in files[:place]}]
    if same:
        raise DataError(f"{same[0]} is named twice; give it a higher score instead.")
    form, run = form_of_file(like or files[0]), None
    if like is None:
        form, run = _form_of_runs(runs, form)
    answers = [_answers(path, form, like or files[0], any_order=bool(like or run)) for path in files]
    if not form.answers:
        given = {answer for of_file in answers for answer in of_file.values()}
        form = SubmissionForm(form.id_column, form.answer_column, form.ids, tuple(sorted(given)))
    index = {answer: place for place, answer in enumerate(form.answers)}
    labels = [[index[of_file[name]] for name in form.ids] for of_file in answers]
    return Ballot(tuple(files), form, run, np.array(labels, np.int64))


def count_votes(labels: NDArray[np.int64], scores: Sequence[float] | None = None) -> Outcome:
    """The answer with the highest sum of scores for each id, from labels (F, N) and a score > 0 a file.

    Without scores each file has one vote. Ties go to the answer of the best file among the tied ones: the one with the
    highest score, of equal scores the first. Raises DataError where the number of scores is not that of the files.
    """
    if scores is not None and len(scores) != len(labels):
        raise DataError(f"{len(scores)} scores for {len(labels)} files; expected a score a file, in the same order.")
    weights = np.ones(len(labels)) if scores is None else np.asarray(scores, np.float64)
    if not (weights > 0).all():
        raise DataError(f"scores: {weights.min():g} found; a file that scored nothing has no vote, leave it out.")
    rows = np.arange(labels.shape[1])
    sums = np.zeros((len(rows), 1 + int(labels.max())))  # (N, A)
    for weight, answers in zip(weights, labels, strict=True):
        sums[rows, answers] += weight
    leading = sums >= sums.max(1, keepdims=True) - SAME
    winners = np.empty(len(rows), np.int64)
    for file in reversed(np.argsort(-weights, kind="stable")):  # the best file last: it overrules
        leads = leading[rows, labels[file]]
        winners[leads] = labels[file, leads]
    ties = int((leading.sum(1) > 1).sum())
    return Outcome(winners, tuple(weights.tolist()), ties, int((labels == labels[0]).all(0).sum()))


def _form_of_runs(runs: Path, form: SubmissionForm) -> tuple[SubmissionForm, RunFolder | None]:
    """The form of a run with the same ids; the one given where there is none: other people's files can be blended."""
    try:
        of_run, run = find_form(runs, form.ids)
    except DataError:
        return form, None
    return (of_run, run) if set(of_run.ids) == set(form.ids) else (form, None)


def _answers(path: Path, form: SubmissionForm, first: Path, any_order: bool) -> dict[str, str]:
    """Answer of each id; DataError with the first problem of a file that does not pass the check."""
    checked = check_file(path, form)
    problems = [problem for problem in checked.problems if problem.kind != "ids in another order"]
    if len(problems) < len(checked.problems) and not problems and not any_order:
        raise DataError(
            f"{path} has the ids of {first} in another order, and no run tells which is the test set's: --like FILE, a "
            "file that was accepted, would."
        )
    if problems:
        others = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        place = f", {problems[0].place}" if problems[0].place else ""
        against = "" if path == first else f" It is checked against {first}: its ids must be those."
        raise DataError(
            f"{path}{place}: {problems[0].text}{others}{against} `python -m experiments check-submission` "
            "lists all, and repairs what is safe."
        )
    return checked.answers
