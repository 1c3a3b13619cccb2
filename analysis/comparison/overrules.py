"""runs/verdicts.csv: verdicts that a person overruled, each with a reason. Made to be edited by hand too.

Every change reads the rows under a lock and replaces the file as a whole; what is no such file any more is refused
with its row.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from analysis.comparison.verdict import JUDGEMENTS
from analysis.leaderboard.ledger import safe_text
from data.csv_rows import read_rows
from data.errors import DataError, quote
from data.findings import raise_first
from runners.file_lock import locked
from runners.state import write_table

VERDICTS = "verdicts.csv"  # in the runs folder
_RUN = re.compile(r"[^/\\]+/[^/\\]+-[^/\\]+")


@dataclass(frozen=True)
class Overrule:
    """One row: what a person says of a run against its parent, why, and on which day (ISO 8601)."""

    run: str  # <experiment>/<run's folder>
    verdict: str  # one of JUDGEMENTS
    because: str
    entered: str


COLUMNS = tuple(field.name for field in fields(Overrule))


def read_overrules(runs: Path) -> list[Overrule]:
    """All rows; none where there is no file. DataError names the row that is damaged, or a run's second row."""
    path = runs / VERDICTS
    if not path.exists():
        return []
    table, findings = read_rows(path, COLUMNS)
    raise_first(findings)
    rows: list[Overrule] = []
    for number, cells in zip(table.index.tolist(), table.to_dict("records"), strict=True):
        row = Overrule(**{column: str(cells[column]).strip() for column in COLUMNS})
        _check(f"{path}, row {number}", row)
        if any(row.run == other.run for other in rows):
            raise DataError(f"{path}, row {number}: {row.run} has a row above already; expected one row a run.")
        rows.append(row)
    return rows


def overrule(runs: Path, run: str, verdict: str, because: str, now: datetime) -> Overrule | None:
    """Enter what a person says of a run, in place of what was said before, which is returned.

    DataError for another word than JUDGEMENTS, or no reason.
    """
    row = Overrule(run, verdict, safe_text(because), f"{now:%Y-%m-%d}")
    _check(run, row)
    with locked(runs / VERDICTS):
        rows = read_overrules(runs)
        before = next((other for other in rows if other.run == run), None)
        _write(runs, [*(other for other in rows if other.run != run), row])
    return before


def uphold(runs: Path, run: str) -> Overrule:
    """Take a run's row out, so that the computed verdict stands; returns it. DataError where there is none."""
    with locked(runs / VERDICTS):
        rows = read_overrules(runs)
        before = next((row for row in rows if row.run == run), None)
        if before is None:
            raise DataError(f"{run} is not overruled in {runs / VERDICTS}; the computed verdict stands already.")
        _write(runs, [row for row in rows if row.run != run])
    return before


def _write(runs: Path, rows: Sequence[Overrule]) -> None:
    path = runs / VERDICTS
    try:
        if rows:
            write_table(path, [asdict(row) for row in rows])
        else:
            path.unlink()
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}; it is as it was.") from error


def _check(where: str, row: Overrule) -> None:
    if not _RUN.fullmatch(row.run):
        raise DataError(f"{where}: run is {quote(row.run)}; expected <experiment>/<run's folder>.")
    if row.verdict not in JUDGEMENTS:
        raise DataError(f"{where}: verdict is {quote(row.verdict)}; expected one of {', '.join(JUDGEMENTS)}.")
    if not row.because:
        raise DataError(f"{where}: no reason found; a verdict is overruled with one (--because).")
    try:
        datetime.fromisoformat(row.entered)
    except ValueError:
        raise DataError(f"{where}: entered is {quote(row.entered)}; expected a day like 2026-11-23.") from None
