"""Scores from the Kaggle client's list of submissions, each joined to the registered file it was given for.

`kaggle competitions submissions NAME --csv -q > kaggle.csv` writes fileName,date,description,status,publicScore and
privateScore (later clients a column ref before them, and SubmissionStatus.COMPLETE for complete). It names files only,
so an upload carries the first digits of its sha256 in its name, and in the description that `submit` suggests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analysis.leaderboard.ledger import TAG_DIGITS, Submission, open_ledger
from analysis.leaderboard.registration import Entered, parse_score, set_score
from data.csv_rows import read_rows
from data.errors import DataError, quote

COLUMNS = ("fileName", "date", "description", "status", "publicScore", "privateScore")
NO_SCORE = ("", "None")                 # what clients write for a score that is not known (yet)
_TAGS = re.compile(rf"(?<![0-9a-f])[0-9a-f]{{{TAG_DIGITS}}}(?![0-9a-f])")


@dataclass(frozen=True)
class Imported:
    """What an import did: scores entered, and for each row left out its line and why."""

    entered: tuple[Entered, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    line: int
    file_name: str
    description: str
    status: str
    public: str
    private: str


def import_scores(runs: Path, csv_file: Path, now: datetime) -> Imported:
    """Enter the scores of all complete rows that name a registered submission; the others are told, with the reason.

    Raises DataError where the file is not such a list or the ledger can't be changed; then nothing is entered.
    """
    cells, findings = read_rows(csv_file, COLUMNS)
    entered: dict[str, Entered] = {}
    skipped = [finding.text for finding in findings]
    with open_ledger(runs) as rows:
        for line, *texts in zip(cells.index.tolist(), *(cells[column] for column in COLUMNS), strict=True):
            row = _Row(line, texts[0], texts[2], texts[3], texts[4], texts[5])
            try:
                submission, public, private = _scores(row, rows)
                if submission.sha256 in entered:
                    raise DataError(f"the file {submission.upload} is in an earlier row too, whose score was taken.")
            except DataError as reason:
                skipped.append(f"{csv_file}, row {row.line} ({quote(row.file_name)}): {reason}")
                continue
            entered[submission.sha256] = set_score(rows, submission.sha256, public, private, "", now)
    return Imported(tuple(entered.values()), tuple(skipped))


def suggested_description(submission: Submission) -> str:
    """A description for the upload that identifies it should the file be renamed on the way."""
    return f"{submission.run.replace('/', ' ')} {submission.tag}"


def _scores(row: _Row, rows: Sequence[Submission]) -> tuple[Submission, float, float | None]:
    """The registered submission of a row, and its scores; DataError says why there is none."""
    if row.status.rpartition(".")[2].lower() != "complete":
        raise DataError(f"its status is {quote(row.status)}, only complete ones have a score.")
    submission = _registered(row, rows)
    if row.public in NO_SCORE:
        raise DataError("it has no public score.")
    private = None if row.private in NO_SCORE else parse_score(row.private, "privateScore")
    return submission, parse_score(row.public, "publicScore"), private


def _registered(row: _Row, rows: Sequence[Submission]) -> Submission:
    """By the digits of the sha256 in the file's name or, failing that, in the description, or by the run's folder."""
    by_tag = {submission.tag: submission for submission in rows}
    by_run = {submission.run.rpartition("/")[2]: submission for submission in rows}
    for text in (row.file_name, row.description):
        found = [by_tag[tag] for tag in _TAGS.findall(text) if tag in by_tag]
        found = found or [submission for folder, submission in by_run.items() if folder in text]
        if len({submission.sha256 for submission in found}) == 1:
            return found[0]
    raise DataError(f"neither its name nor its description {quote(row.description)} says which registered submission "
                    "it is; upload the file that `leaderboard submit` prints, or enter it with `leaderboard add`.")
