"""A leaderboard to play: scores submissions by a sealed solution.csv, the public half now, the private at the end.

Nothing else in the project reads solution.csv. Ten files a day and competition are scored, counted by UTC date in a
record beside the ledger; a file that was scored before costs nothing, its score is known.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.leaderboard.ledger import safe_text
from callbacks.metrics import confusion_matrix, macro_f1
from data.csv_rows import numbered, read_rows
from data.errors import DataError, quote
from data.findings import raise_first, some_names
from data.folders import ImageTree
from data.metadata import ImageData
from data.submission import check_submission
from runners.file_lock import locked
from runners.state import file_digest, write_table

SOLUTION = "solution.csv"
PLAYED = "leaderboard_played.csv"   # in the runs folder
HALVES = ("public", "private")
A_DAY = 10


@dataclass(frozen=True)
class Played:
    """A file that was scored: date (UTC) and time, sha256 of the solution and of the file; opened: --final, when."""

    scored: str
    competition: str
    sha256: str
    file: str
    opened: str


@dataclass(frozen=True)
class Score:
    """What the leaderboard says. private is None unless it was asked for; late: the private half was open before."""

    public: float
    private: float | None
    left_today: int
    counted: bool           # False: the file was scored before
    late: bool


@dataclass(frozen=True)
class _Solution:
    digest: str
    answers: NDArray[np.int64]      # (M,) in the order of the test table
    halves: NDArray[np.str_]        # (M,)


COLUMNS = tuple(field.name for field in fields(Played))


def play(runs: Path, data: ImageData, file: Path, final: bool, now: datetime) -> Score:
    """Score a submission file as the leaderboard does; a broken one is refused and does not count.

    Raises DataError for a submission that is not as it must be, data without a sealed solution, an eleventh file of a
    day, and a damaged record.
    """
    labels = check_submission(file, data)
    solution = _read_solution(data)
    digest, today = file_digest(file), now.astimezone(UTC)
    with locked(runs / PLAYED):
        record = _read_record(runs / PLAYED)
        earlier = [row for row in record if row.competition == solution.digest]
        known = next((row for row in earlier if row.sha256 == digest), None)
        scored_today = sum(row.scored[:10] == f"{today:%Y-%m-%d}" for row in earlier)
        if known is None and scored_today >= A_DAY:
            raise DataError(f"{file} was not scored: {A_DAY} files were scored on {today:%Y-%m-%d} (UTC) already, all "
                            "that a day allows; tomorrow there are ten more.")
        stamp = today.isoformat(timespec="seconds")
        opened_before = [row.opened for row in earlier if row.opened]
        now_row = known or Played(stamp, solution.digest, digest, safe_text(file.as_posix()), "")
        if final and not now_row.opened:
            now_row = replace(now_row, opened=stamp)
        rows = [*record, now_row] if known is None else [now_row if row is known else row for row in record]
        if rows != record:                              # on disk before anything is said
            _write_record(runs / PLAYED, rows)
    public, private = (_half_score(solution, labels, half, len(data.class_names)) for half in HALVES)
    return Score(
        public=public, private=private if final else None, left_today=A_DAY - scored_today - (known is None),
        counted=known is None, late=any(opened < now_row.scored for opened in opened_before),
    )


def _half_score(solution: _Solution, labels: NDArray[np.int64], half: str, classes: int) -> float:
    """Macro F1 on one half of the test images."""
    rows = solution.halves == half
    return macro_f1(confusion_matrix(solution.answers[rows], labels[rows], classes))


def _read_solution(data: ImageData) -> _Solution:
    path = data.root / SOLUTION
    if not path.exists():
        raise DataError(f"{data.root} has no {SOLUTION}: its leaderboard can't be played here; enter the score that "
                        "the competition gives with `leaderboard add`.")
    try:
        ImageTree(data.root).file(SOLUTION)
    except DataError as error:
        raise DataError(f"{error}; expected the data's own {SOLUTION}.") from error
    rows, findings = read_rows(path, ("ImageID", "ans", "half"))
    raise_first(findings)
    test_ids = list(data.test["image_id"])
    if len(rows) != len(test_ids) or set(rows["ImageID"]) != set(test_ids):
        raise DataError(f"{path} has {len(rows)} rows for {len(test_ids)} test images; expected their ids, each once.")
    known = {_answer(data, index): index for index in range(len(data.class_names))}
    for column, allowed in (("ans", list(known)), ("half", list(HALVES))):
        for row, cell in numbered(rows[column]):
            if cell not in allowed:
                raise DataError(f"{path}, row {row}: {column} is {quote(cell)}; expected {some_names(allowed)}.")
    ordered = rows.set_index("ImageID").loc[test_ids]
    answers = np.array([known[answer] for answer in ordered["ans"]], np.int64)
    return _Solution(hashlib.sha256(path.read_bytes()).hexdigest(), answers, ordered["half"].to_numpy(np.str_))


def _answer(data: ImageData, index: int) -> str:
    return str(index) if data.form == "mask" else data.class_names[index]


def _write_record(path: Path, rows: Sequence[Played]) -> None:
    try:
        write_table(path, [asdict(row) for row in rows])
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}; nothing was scored.") from error


def _read_record(path: Path) -> Sequence[Played]:
    if not path.exists():
        return []
    rows, findings = read_rows(path, COLUMNS)
    raise_first(findings)
    for row, scored in numbered(rows["scored"]):
        try:
            datetime.fromisoformat(scored)
        except ValueError:
            raise DataError(f"{path}, row {row}: scored is {quote(scored)}; expected a date like "
                            "2026-11-23T15:00:00+00:00.") from None
    return [Played(*cells) for cells in rows[list(COLUMNS)].itertuples(index=False, name=None)]
