"""The whole check of a submission file: all that is wrong with it, and what is odd but will be accepted."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from analysis.submissions.columns import find_columns
from analysis.submissions.problems import Problem
from analysis.submissions.rows import check_rows
from analysis.submissions.sheet import Sheet, read_sheet
from data.errors import quote
from data.submission import SubmissionForm

USUAL_SHARE = 0.95  # of one answer among all; more is no prediction


@dataclass(frozen=True)
class CheckedFile:
    """What a check found. A file without problems is read by :func:`data.submission.read_answers`."""

    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]  # sentences; nothing to be refused for
    answers: dict[str, str]  # of known ids, what their rows say beyond doubt
    rows: int

    @property
    def repairable(self) -> bool:
        """Whether nothing but what can be repaired is wrong."""
        return all(problem.repairable for problem in self.problems)


def check_file(path: Path, form: SubmissionForm) -> CheckedFile:
    """Every problem of a submission file against its form; DataError only where there is no file to read.

    CRLF line ends, blank lines and quotes around cells are no problem: whatever reads CSV reads them. Where the form
    knows no answers, any text that has no blanks around it is one.
    """
    sheet = read_sheet(path)
    if not sheet.rows:
        return CheckedFile(sheet.problems, (), {}, 0)
    columns = find_columns(sheet, form)
    problems = [*sheet.problems, *columns.problems]
    if not columns.rows:
        problems.append(Problem("header only", 1, f"no row below the header; expected {len(form.ids)}."))
        return CheckedFile(tuple(problems), (), {}, 0)
    rows = check_rows(sheet, columns, form)
    return CheckedFile((*problems, *rows.problems), tuple(_remarks(sheet, rows.answers)), rows.answers, rows.count)


def _remarks(sheet: Sheet, answers: dict[str, str]) -> list[str]:
    """What is accepted and yet worth a look."""
    remarks = []
    if sheet.cut_line:
        remarks.append(
            f"line {sheet.cut_line}, the last, has no line end: if the file was cut short, its answer may "
            "have lost a digit."
        )
    if sheet.blank_lines:
        remarks.append(f"{sheet.blank_lines} blank line{'s' * (sheet.blank_lines != 1)}, which readers of CSV skip.")
    answer, count = Counter(answers.values()).most_common(1)[0] if answers else ("", 0)
    if len(answers) > 1 and count > USUAL_SHARE * len(answers):
        remarks.append(
            f"{count} of {len(answers)} answers are {quote(answer)}: is this the test set's own table, or a "
            "network that learnt nothing?"
        )
    return remarks
