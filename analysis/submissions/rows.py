"""The rows of a submission, one by one: their ids, answers and order."""

from dataclasses import dataclass

from analysis.submissions.answers import repaired_answer, wrong_answer
from analysis.submissions.columns import Columns, bare
from analysis.submissions.ids import KnownIds
from analysis.submissions.problems import Problem
from analysis.submissions.sheet import Sheet
from data.errors import quote
from data.submission import SubmissionForm


@dataclass(frozen=True)
class CheckedRows:
    """What is wrong with the rows, and what they answer where that is beyond doubt."""

    problems: tuple[Problem, ...]
    answers: dict[str, str]  # of known ids, in the file's order
    count: int  # rows that hold anything


@dataclass
class _Seen:
    """What the rows read so far hold."""

    problems: list[Problem]
    lines: dict[str, int]  # first line of each known id
    cells: dict[str, str]  # and its answer as it stands there
    answers: dict[str, str]  # and as it is meant
    unknown: list[Problem]
    count: int = 0


def check_rows(sheet: Sheet, columns: Columns, form: SubmissionForm) -> CheckedRows:
    """Every row below the header against the form; then what is missing, and the order."""
    known = KnownIds(form.ids)
    seen = _Seen([], {}, {}, {}, [])
    header = sheet.rows[0][1]
    for line, cells in columns.rows:
        if not any(map(bare, cells)):
            text = "a row of nothing but blanks; expected none."
            seen.problems.append(Problem("row without content", line, text, repairable=True))
            continue
        seen.count += 1
        if cells == header and columns.rows is not sheet.rows:
            seen.problems.append(Problem("header repeated", line, "the header once more; expected a row."))
        elif len(cells) != columns.width:
            _wrong_width(sheet, columns, line, cells, known, seen)
        else:
            _check_row(sheet, columns, line, cells, known, form, seen)
    foreign = _foreign(seen, form)
    missing = [] if foreign or not sheet.complete else _missing(seen, form)
    problems = (*seen.problems, *(foreign or seen.unknown), *missing, *_order(seen, known, form))
    return CheckedRows(tuple(sorted(problems, key=lambda problem: problem.line or 10**9)), seen.answers, seen.count)


def _check_row(
    sheet: Sheet, columns: Columns, line: int, cells: list[str], known: KnownIds, form: SubmissionForm, seen: _Seen
) -> None:
    """One row with as many cells as the header."""
    name, cell = bare(cells[columns.ids]), cells[columns.answers]
    wrong = wrong_answer(cell, form)
    if wrong is not None:
        repairable = repaired_answer(cell, form) is not None
        cut = line == sheet.cut_line and not bare(cell)
        seen.problems.append(Problem("cut-off last line" if cut else wrong[0], line, wrong[1], repairable))
    if name not in known.places:
        kind, text = known.wrong(name, form.id_column, line == sheet.cut_line)
        seen.unknown.append(Problem(kind, line, text))
        return
    if name != cells[columns.ids]:
        text = f"{form.id_column} is {quote(cells[columns.ids])}; expected {quote(name)}."
        seen.problems.append(Problem("blanks around an id", line, text, repairable=True))
    first = seen.lines.setdefault(name, line)
    if first != line:
        before = seen.cells.get(name)  # None: that row has too few or too many cells
        answer = "the same answer" if before == cell else f"another answer, {quote(before or '')}"
        text = f"{form.id_column} {quote(name)} is in line {first} too, with {answer}; expected one row an id."
        seen.problems.append(Problem("duplicate id", line, text))
        return
    seen.cells[name] = cell
    meant = repaired_answer(cell, form)
    if meant is not None:
        seen.answers[name] = meant


def _wrong_width(sheet: Sheet, columns: Columns, line: int, cells: list[str], known: KnownIds, seen: _Seen) -> None:
    """A row with too few or too many cells; its id counts as there, where it can be told."""
    text = f"{len(cells)} cells; expected {columns.width}, as many as the header has."
    cut = line == sheet.cut_line and len(cells) < columns.width
    kind = "cut-off last line" if cut else "wrong number of cells"
    seen.problems.append(Problem(kind, line, text[:-1] + ": the file was cut short." if cut else text))
    for cell in cells:
        if bare(cell) in known.places:
            seen.lines.setdefault(bare(cell), line)


def _foreign(seen: _Seen, form: SubmissionForm) -> list[Problem]:
    """One problem in place of all where not a single id is known: the file was made for something else."""
    if seen.lines or len(seen.unknown) < 2 or len({problem.kind for problem in seen.unknown} - {"unknown id"}):
        return []
    text = (
        f"none of its {len(seen.unknown)} ids is one of the {len(form.ids)} of this test set, which are such as "
        f"{quote(form.ids[0])}."
    )
    return [Problem("another competition's ids", seen.unknown[0].line, text)]


def _missing(seen: _Seen, form: SubmissionForm) -> list[Problem]:
    lacking = [name for name in form.ids if name not in seen.lines]
    return [Problem("missing id", 0, f"no row for {form.id_column} {quote(name)}.") for name in lacking]


def _order(seen: _Seen, known: KnownIds, form: SubmissionForm) -> list[Problem]:
    """One problem where the known ids do not come in the test set's order."""
    found = sorted(seen.lines, key=lambda name: seen.lines[name])
    expected = sorted(found, key=lambda name: known.places[name])
    wrong = [(have, want) for have, want in zip(found, expected, strict=True) if have != want]
    if not wrong:
        return []
    have, want = wrong[0]
    text = (
        f"{len(wrong)} of {len(found)} rows are out of the test set's order; the first has {form.id_column} "
        f"{quote(have)}, expected {quote(want)}."
    )
    return [Problem("ids in another order", seen.lines[have], text, repairable=True)]
