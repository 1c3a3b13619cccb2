"""runs/leaderboard.csv: a row for each registered submission and the scores it came to, never lost and never guessed.

Every change is made under a lock, on rows read inside it, and replaces the file durably as a whole. Whatever reads CSV
reads the file; what is no ledger any more (edited by hand, cut short) is refused with its row.
"""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path, PurePosixPath

from data.csv_rows import FORMULA_STARTS, read_rows
from data.errors import DataError, quote
from data.findings import raise_first
from runners.file_lock import locked
from runners.run_folder import RunFolder
from runners.state import write_table

LEDGER = "leaderboard.csv"      # in the runs folder
TAG_DIGITS = 10                 # of a sha256: enough to tell the files of a competition apart


@dataclass(frozen=True)
class Submission:
    """One row. Paths are relative to the runs folder, dates ISO 8601 with the zone, scores macro F1 in 0..1 or None."""

    run: str                    # <experiment>/<run's folder>
    sha256: str                 # of submission.csv when it was registered
    registered: str
    upload: str                 # the copy to upload, whose name says which file it is
    drift: float | None         # predicted class shares from the estimated test prior, total variation 0..1
    drift_earlier: float | None     # and from the mean of the submissions registered before
    public: float | None = None
    private: float | None = None
    scored: str = ""            # when the scores were entered
    note: str = ""

    @property
    def experiment(self) -> str:
        """Name of the experiment that made it."""
        return PurePosixPath(self.run).parts[0]

    @property
    def tag(self) -> str:
        """The digits of the sha256 that name the upload."""
        return self.sha256[:TAG_DIGITS]

    @property
    def short_name(self) -> str:
        """Experiment and the first digits of the run's identity, as tables show a run."""
        return f"{self.experiment} {self.run.rpartition('-')[2][:6]}"

    def folder(self, runs: Path) -> RunFolder:
        """The run it was made by."""
        return RunFolder(runs / self.run)


COLUMNS = tuple(field.name for field in fields(Submission))
SCORES = ("drift", "drift_earlier", "public", "private")


def read_ledger(runs: Path) -> list[Submission]:
    """All rows, the oldest first; none where there is no ledger yet. DataError names the row that is damaged."""
    path = runs / LEDGER
    if not path.exists():
        return []
    rows, findings = read_rows(path, COLUMNS)
    raise_first(findings)
    unknown = [column for column in rows.columns if column not in COLUMNS]
    if unknown:
        raise DataError(f"{path}, row 1: unknown column {quote(unknown[0])}; a ledger has only {','.join(COLUMNS)}.")
    submissions: list[Submission] = []
    first_rows: dict[str, int] = {}
    for number, cells in zip(rows.index.tolist(), rows.to_dict("records"), strict=True):
        submission = _submission(f"{path}, row {number}", {str(column): str(cell) for column, cell in cells.items()})
        first = first_rows.setdefault(submission.sha256, number)
        if first != number:
            raise DataError(f"{path}, row {number}: sha256 is that of row {first} too; a file is registered once.")
        submissions.append(submission)
    return submissions


@contextmanager
def open_ledger(runs: Path) -> Iterator[list[Submission]]:
    """The rows under the lock, to be changed in place: what the list holds at the end of the block is written.

    Nothing is written where the block raises. DataError where the ledger is damaged or can't be written.
    """
    path = runs / LEDGER
    with locked(path):
        rows = read_ledger(runs)
        before = list(rows)
        yield rows
        if rows != before:
            _write(path, rows)


def row_number(rows: Sequence[Submission], sha256: str) -> int | None:
    """Line of a file's row in the ledger (the header's is 1), None where it is not registered."""
    return next((number for number, row in enumerate(rows, start=2) if row.sha256 == sha256), None)


def safe_text(text: str) -> str:
    """Free text as a cell: one printable line, with a leading ' where a spreadsheet would take it for a formula."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(printable.split())
    return f"'{line}" if line.startswith(FORMULA_STARTS) else line


def _write(path: Path, rows: Sequence[Submission]) -> None:
    try:
        write_table(path, [asdict(row) for row in rows])
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}; it is as it was.") from error


def _submission(where: str, cells: dict[str, str]) -> Submission:
    for column, shape, words in (
        ("run", r"[^/\\]+/[^/\\]+-[^/\\]+", "<experiment>/<run's folder>"),
        ("sha256", r"[0-9a-f]{64}", "64 hexadecimal digits"),
        ("upload", r"[^/\\]+/[^/\\]+\.csv", "the copy to upload, below the runs folder"),
    ):
        if not re.fullmatch(shape, cells[column]) or ".." in cells[column].split("/"):
            raise DataError(f"{where}: {column} is {quote(cells[column])}; expected {words}.")
    _check_date(where, "registered", cells["registered"])
    if cells["scored"] or cells["public"] or cells["private"]:
        _check_date(where, "scored", cells["scored"])
    numbers = {column: _score(f"{where}: {column}", cells[column]) for column in SCORES}
    texts = {column: cells[column] for column in COLUMNS if column not in SCORES}
    return Submission(**texts, **numbers)       # type: ignore[arg-type]  # each name has its own type


def _check_date(where: str, column: str, text: str) -> None:
    try:
        zoned = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise DataError(f"{where}: {column} is {quote(text)}; expected a date like 2026-11-23T15:00:00+00:00.")


def _score(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise DataError(f"{where} is {quote(text)}; expected a number from 0 to 1, or nothing.")
    return value
