"""Repairs that change nothing a file means: order, 13.0, an index column, a byte order mark, delimiter, blanks."""

from dataclasses import replace
from pathlib import Path

from analysis.submissions.check import CheckedFile, check_file
from analysis.submissions.problems import by_kind
from data.errors import DataError
from data.submission import SubmissionForm, write_answers


def repair(path: Path, checked: CheckedFile, form: SubmissionForm, out: Path) -> list[str]:
    """Write the repaired file to `out`, which must be new, and say each repair; the result passes the check.

    Raises DataError where nothing is wrong, where something can't be repaired safely (nothing is written then), or
    where `out` is there already.
    """
    if not checked.problems:
        raise DataError(f"{path} has nothing to repair; nothing was written.")
    kept = [problem for problem in checked.problems if not problem.repairable]
    if kept:
        kinds = ", ".join(dict.fromkeys(problem.kind for problem in kept))
        raise DataError(
            f"{path} can't be repaired, for what it should hold is not beyond doubt: {kinds}; nothing was written."
        )
    if out.exists():
        raise DataError(f"{out} exists; a repaired file is a new one, name another.")
    known = form if form.answers else replace(form, answers=tuple(sorted(set(checked.answers.values()))))
    class_of = {answer: index for index, answer in enumerate(known.answers)}
    labels = [class_of[checked.answers[name]] for name in form.ids]
    write_answers(out, known, form.ids, labels)
    left = check_file(out, form).problems
    assert not left, left  # noqa: S101  (repairs and checks go by the same rules)
    return [f"{kind.name}: {_times(kind.count)}" for kind in by_kind(checked.problems)]


def _times(count: int) -> str:
    return "in one place" if count == 1 else f"in {count} places"
