"""What an answer's cell may hold, and what is wrong with one that holds something else."""

import re

from analysis.submissions.columns import bare
from data.csv_rows import FORMULA_STARTS
from data.errors import quote
from data.submission import SubmissionForm

WHOLE_AS_FRACTION = re.compile(r"([0-9]+)\.0*")
SCIENTIFIC = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
NOTHING = {"", "nan", "na", "n/a", "none", "null", "nil", "-", "#n/a"}


def repaired_answer(cell: str, form: SubmissionForm) -> str | None:
    """The answer a cell means beyond doubt: itself, without blanks around it, 13 for 13.0; None where it means none."""
    text = bare(cell)
    if not form.answers:
        return None if not text or _is_formula(text) else text
    if text in form.answers:
        return text
    whole = WHOLE_AS_FRACTION.fullmatch(text)
    return whole[1] if whole and whole[1] in form.answers else None


def wrong_answer(cell: str, form: SubmissionForm) -> tuple[str, str] | None:
    """Kind and reason of an answer that is not as it must be; None where it is."""
    text = bare(cell)
    if cell in form.answers or (not form.answers and repaired_answer(cell, form) == cell):
        return None
    expected = f"expected {form.answers_in_words}" if form.answers else "expected an answer"
    reason = f"{form.answer_column} is {quote(cell)}; {expected}."
    repaired = repaired_answer(cell, form)
    if repaired is not None:
        kind = "answer written as 13.0" if text != repaired else "blanks around an answer"
        return kind, f"{form.answer_column} is {quote(cell)}; expected {quote(repaired)}."
    return _kind(text, form), reason


def _kind(text: str, form: SubmissionForm) -> str:
    """The kind of an answer that means none of the form's."""
    if text.lower() in NOTHING:
        return "empty answer"
    if _is_formula(text):
        return "formula"
    integers = all(re.fullmatch("-?[0-9]+", answer) for answer in form.answers)
    if not integers:
        labels = {answer.casefold() for answer in form.answers}
        numbered = re.fullmatch("[0-9]+", text) is not None
        if text.casefold() in labels:
            return "label in other capitals"
        return "number where a label is due" if numbered else "answer that is no label"
    if re.fullmatch("0+[0-9]+|[+][0-9]+", text):
        return "answer not in plain digits"
    if re.fullmatch("[0-9]+", text):
        return "class out of range"
    if re.fullmatch(r"-[0-9]+(\.0*)?", text):
        return "negative class"
    if SCIENTIFIC.fullmatch(text):
        return "scientific notation"
    if re.fullmatch(r"[0-9]*[.,][0-9]+|[0-9]+[.,]", text):
        return "class out of range" if WHOLE_AS_FRACTION.fullmatch(text) else "fraction where a class is due"
    if text.isdigit():
        return "answer not in plain digits"  # of another script, or raised ones
    return "text where a class is due"


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet would run it; a number with a sign is none."""
    return text.startswith(FORMULA_STARTS) and not re.fullmatch(r"[+-]?[0-9.,]+([eE][+-]?[0-9]+)?", text)
