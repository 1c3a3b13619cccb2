"""Which columns of a file are the ids and the answers, and what is wrong with its header."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.submissions.problems import Problem
from analysis.submissions.sheet import Sheet
from data.errors import quote
from data.findings import some_names
from data.submission import SubmissionForm

Rows = Sequence[tuple[int, list[str]]]

INDEX_NAMES = re.compile(r"|index|Unnamed: ?[0-9]+")
_WHOLE = re.compile(r"[0-9]{1,9}")
BLANKS = "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"  # beside those that Python strips


@dataclass(frozen=True)
class Columns:
    """Places of the two columns, the rows below the header, and what is wrong with the header."""

    ids: int
    answers: int
    width: int  # cells of a row
    rows: Rows
    problems: tuple[Problem, ...]


def find_columns(sheet: Sheet, form: SubmissionForm) -> Columns:
    """The columns by their names; where those are others, the first two: the rows can be checked all the same."""
    line, header = sheet.rows[0]
    names = [bare(cell) for cell in header]
    known = set(form.ids)
    if any(name in known for name in names):
        place = next(place for place, name in enumerate(names) if name in known)
        text = f"the first line is a row already; expected the header {form.id_column},{form.answer_column} above it."
        after = place + 1 if place + 1 < len(names) else 0
        return Columns(place, after, len(names), sheet.rows, (Problem("missing header", line, text),))
    rows = sheet.rows[1:]
    problems = [
        Problem("blanks around a column's name", line, f"column {quote(cell)}; expected {quote(name)}.", True)
        for cell, name in zip(header, names, strict=True)
        if cell != name and name in (form.id_column, form.answer_column)
    ]
    for name in sorted({name for name in names if names.count(name) > 1}):
        text = f"column {quote(name)} is there {names.count(name)} times; expected it once."
        problems.append(Problem("duplicate column", line, text))
    ids, answers = (_place(names, name) for name in (form.id_column, form.answer_column))
    if ids is None or answers is None:
        problems.append(Problem("other header", line, _other_names(names, form)))
        ids, answers = (0, min(1, len(names) - 1)) if ids is None and answers is None else _guess(ids, answers, names)
    elif ids > answers:
        text = f"{form.answer_column} comes before {form.id_column}; expected {form.id_column},{form.answer_column}."
        problems.append(Problem("columns in another order", line, text, repairable=True))
    problems += _further(names, (ids, answers), rows, line, form)
    return Columns(ids, answers, len(names), rows, tuple(problems))


def bare(cell: str) -> str:
    """A cell without surrounding blanks, those of no width included."""
    before = None
    while before != cell:
        before, cell = cell, cell.strip().strip(BLANKS)
    return cell


def _place(names: Sequence[str], wanted: str) -> int | None:
    return names.index(wanted) if wanted in names else None


def _guess(ids: int | None, answers: int | None, names: Sequence[str]) -> tuple[int, int]:
    """Both places where one of the columns is known: the other one is its neighbour."""
    known = ids if ids is not None else answers
    assert known is not None  # noqa: S101  (one of them)
    other = known + 1 if known + 1 < len(names) else max(known - 1, 0)
    return (known, other) if ids is not None else (other, known)


def _other_names(names: Sequence[str], form: SubmissionForm) -> str:
    lacking = [name for name in (form.id_column, form.answer_column) if name not in names]
    alike = [name for name in names if name.casefold() in {each.casefold() for each in lacking}]
    hint = "; capitals count" if alike else ""
    return (
        f"no column {' and no column '.join(map(quote, lacking))}, found {some_names(list(names), 6)}; expected "
        f"{form.id_column},{form.answer_column}{hint}."
    )


def _further(
    names: Sequence[str], taken: tuple[int, int], rows: Rows, line: int, form: SubmissionForm
) -> list[Problem]:
    """A problem for each column beside the two: an index can go, of another nobody knows why it is there."""
    problems = []
    for place, name in enumerate(names):
        if place in taken or name in (form.id_column, form.answer_column):
            continue
        cells = [cells[place].strip() for _, cells in rows if len(cells) == len(names) and any(map(bare, cells))]
        numbers = sorted(map(int, cells)) if all(map(_WHOLE.fullmatch, cells)) else []
        counts = any(numbers == list(range(first, first + len(cells))) for first in (0, 1))  # sorted: rows get moved
        if INDEX_NAMES.fullmatch(name) and counts:
            text = f"column {quote(name)} numbers the rows; expected only {form.id_column},{form.answer_column}."
            problems.append(Problem("index column", line, text, repairable=True))
        else:
            text = f"column {quote(name)}; expected only {form.id_column},{form.answer_column}."
            problems.append(Problem("extra column", line, text))
    return problems
