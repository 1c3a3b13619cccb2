"""Text from files and people in a Markdown table: shown as it is, never read as markup, a link or another cell."""

import re
from collections.abc import Sequence

GAP = "&#8203;"  # a zero-width space: what a renderer would make a link, a mention or an emoji of falls apart
_MARKS = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word means nothing
_LINKS = re.compile(r"(?<=:)(?=//|[\w+-]+:)|(?<=@)(?=\w)|(?<=#)(?=\w)|(?<=www)(?=\.)", re.IGNORECASE)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", "$": "&#36;", "|": "&#124;"})


def cell(text: str) -> str:
    """Text as the inside of a table's cell, on one line; reads as `text` does once it is rendered.

    CommonMark 0.31 (backslash escapes,
    entities), GitHub's tables, automatic links, mentions, math and emoji.
    """
    marked = _MARKS.sub(lambda found: f"\\{found[0]}", one_line(text))
    return GAP.join(piece.translate(_ENTITIES) for piece in _LINKS.split(marked))


def one_line(text: str) -> str:
    """Text with a single space for every run of blanks, line ends, control characters and marks of direction."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A GitHub table of cells that are Markdown already; the columns named in `right` are set to the right."""
    rule = ["---:" if column in right else "---" for column in columns]
    lines = [columns, rule, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
