"""A submission file as rows of cells, read as far as it can be, with everything that is odd about the file itself."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from analysis.submissions.problems import Problem
from data.errors import DataError, quote

DELIMITERS = {",": "commas", ";": "semicolons", "|": "bars", "\t": "tabs", " ": "blanks"}  # looked for in this order
BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, and the first also of UTF-32


@dataclass(frozen=True)
class Sheet:
    """Rows of a file, each with the line it starts on, and the problems of its bytes, delimiter and quotes."""

    path: Path
    rows: tuple[tuple[int, list[str]], ...]  # blank lines left out
    problems: tuple[Problem, ...]
    complete: bool  # all of the file was read
    ended: bool  # its last line has a line end
    blank_lines: int

    @property
    def cut_line(self) -> int:
        """The last line where it has no line end, otherwise 0."""
        return 0 if self.ended or not self.rows else self.rows[-1][0]


def read_sheet(path: Path) -> Sheet:
    """All rows of a file; DataError where there is no file to read. Line ends may be those of any system."""
    if not path.is_file():
        raise DataError(f"{path} {'is not a file' if path.exists() else 'does not exist'}; expected a submission.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error
    if content.startswith(WIDE_BOMS):
        text = 'the file is UTF-16 (a spreadsheet\'s "Unicode text"); save it as CSV in UTF-8.'
        return Sheet(path, (), (Problem("not UTF-8", 1, text),), False, True, 0)
    text, problems = _decoded(content)
    if not text.strip():
        return Sheet(path, (), (*problems, Problem("empty file", 0, "the file is empty.")), False, True, 0)
    delimiter = _delimiter(text)
    if delimiter != ",":
        text_of_it = f"cells are separated by {DELIMITERS[delimiter]}; expected commas."
        problems.append(Problem("wrong delimiter", 1, text_of_it, repairable=True))
    rows, broken = _parsed(text, delimiter)
    problems += broken
    blank = [line for line, cells in rows if not cells]
    filled = tuple(row for row in rows if row[1])
    problems += [
        Problem(
            "line break in a cell",
            line,
            f"{quote(cell)} spans lines; expected a cell on one line.",
            repairable=len(cell.strip().splitlines()) == 1,
        )
        for line, cells in filled
        for cell in cells
        if "\n" in cell or "\r" in cell
    ]
    return Sheet(path, filled, tuple(problems), not broken, text.endswith(("\n", "\r")), len(blank))


def _decoded(content: bytes) -> tuple[str, list[Problem]]:
    """The text without a byte order mark; what is no text is replaced by a mark that no id or answer holds."""
    problems = []
    if content.startswith(BOM):
        content = content[len(BOM) :]
        reason = "the file begins with a byte order mark (EF BB BF), which becomes part of the first column's name."
        problems.append(Problem("byte order mark", 1, reason, repairable=True))
    for number, line in enumerate(content.split(b"\n"), start=1):
        if b"\0" in line:
            problems.append(Problem("NUL byte", number, "a NUL byte; expected text."))
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            text = f"byte 0x{line[error.start]:02x} is not UTF-8; save the file as UTF-8."
            problems.append(Problem("not UTF-8", number, text))
    return content.decode("utf-8", errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"), problems


def _delimiter(text: str) -> str:
    """What separates the cells of the first line that is not blank."""
    first = next(line for line in text.splitlines() if line.strip())
    return next((delimiter for delimiter in DELIMITERS if delimiter in first.strip()), ",")


def _parsed(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Rows with the line each starts on, and the problem at which reading ended, if it did before the end."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            reason = re.sub(r"\s+", " ", str(error))
            return rows, [
                Problem(
                    "broken quotes", line, f"not readable as CSV from here on ({reason}); every quote must be closed."
                )
            ]
        if cells is None:
            return rows, []
        rows.append((line, cells))
