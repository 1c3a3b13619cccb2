"""The CSVs that users hand in, each in order, and how the project reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from analysis.leaderboard.kaggle import import_scores
from analysis.leaderboard.ledger import COLUMNS, LEDGER, open_ledger, read_ledger
from analysis.leaderboard.played_leaderboard import play
from analysis.submissions.check import check_file
from data.corrections import apply_corrections
from data.errors import DataError
from data.reading import read_data
from data.splits import PersonSplit
from data.submission import check_submission, submission_form, write_submission

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
PEOPLE = ("000001_male_Asian_20", "000002_female_Asian_60")
SHA = "ab" * 32
ROW = f"smoke/20261123-150000-abcdef0123,{SHA},2026-11-23T15:00:00+00:00,leaderboard/a.csv,,,,,,"


@dataclass(frozen=True)
class UserTable:
    """A CSV that is in order, and what the project makes of it."""

    file: str
    text: str
    read: Callable[[Path], Any]
    column: int = 0  # one whose cells may be any text


def _tables(data: Any) -> Any:
    return [data.train.to_dict("list"), data.test.to_dict("list"), data.class_names]


def _enter(place: Path) -> Any:
    (place / "runs" / LEDGER).unlink(missing_ok=True)
    with open_ledger(place / "runs"):
        pass
    return import_scores(place / "runs", place / "kaggle.csv", NOW).skipped


def _answers(place: Path) -> Any:
    data = read_data(place / "data")
    checked = check_file(place / "submission.csv", submission_form(data))  # the one that tells all, and repairs
    try:
        answers = check_submission(place / "submission.csv", data).tolist()
    except DataError:
        assert checked.problems, "what a submission is refused for is told by check-submission"
        raise
    assert not checked.problems
    return answers


TABLES = {
    "train.csv": UserTable(
        "data/train/train.csv",
        f"id,gender,race,age,path\n000001,male,Asian,20,{PEOPLE[0]}\n1e5,female,NA,60,{PEOPLE[1]}\n",
        lambda place: _tables(read_data(place / "data")),
        column=2,
    ),
    "info.csv": UserTable(
        "data/eval/info.csv", "ImageID,ans\na.jpg,0\nb.jpg,NA\n", lambda place: _tables(read_data(place / "data")), 1
    ),
    "data.csv": UserTable(
        "generic/data.csv",
        "path,label,group\na.jpg,NA,1e5\nb.jpg,null,0001\n",
        lambda place: _tables(read_data(place / "generic")),
        column=2,
    ),
    "corrections": UserTable(
        "corrections.csv",
        "id,stem,field,from,to,reason\n000001,normal,mask,absent,worn,NA\n1e5,,gender,female,male,seen\n",
        lambda place: apply_corrections(read_data(place / "data").train, place / "corrections.csv").train.to_dict(),
        column=5,
    ),
    "ledger": UserTable(
        "runs/leaderboard.csv", f"{','.join(COLUMNS)}\n{ROW}\n{ROW.replace(SHA, 'cd' * 32)}\n",
        lambda place: read_ledger(place / "runs"), column=9,
    ),
    "kaggle": UserTable(
        "kaggle.csv",
        "fileName,date,description,status,publicScore,privateScore\nNA,2026,x,complete,0.5,\n1e5,2026,y,complete,0.5,\n",
        _enter,
    ),
    "split": UserTable(
        "split.csv", "image_id,person,fold\nNA,1e5,0\n00,1e5,0\nnull,01,1\n",
        lambda place: PersonSplit.from_csv(place / "split.csv").rows.to_dict("list"), column=1,
    ),
    "submission": UserTable("submission.csv", "ImageID,ans\na.jpg,1\nb.jpg,17\n", _answers),
    "solution": UserTable(
        "data/solution.csv", "ImageID,ans,half\na.jpg,1,public\nb.jpg,1,private\n",
        lambda place: play(place / "runs", read_data(place / "data"), hand_in(place), False, NOW).public,
    ),
}  # fmt: skip


def hand_in(place: Path) -> Path:
    data = read_data(place / "data")
    write_submission(place / "handed_in.csv", data, list(data.test["image_id"]), np.array([1, 1]))
    (place / "runs/leaderboard_played.csv").unlink(missing_ok=True)
    return place / "handed_in.csv"
