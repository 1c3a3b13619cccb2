"""Rows of the Kaggle client's list find their submission, or say why they were left out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.leaderboard.kaggle import import_scores, suggested_description
from analysis.leaderboard.ledger import Submission, read_ledger
from analysis.leaderboard.registration import find_run, prepare, register
from benchmarks.simulated_runs import Trial
from data.errors import DataError

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
HEADER = "fileName,date,description,status,publicScore,privateScore"


@pytest.fixture
def rows(trial: Trial) -> list[Submission]:
    names = ("run_0", "run_1", "run_2")
    return [register(trial.runs, prepare(trial.runs, find_run(trial.runs, name), NOW)[0]) for name in names]


def kaggle(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "kaggle.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_files_are_known_by_name_by_description_or_by_the_runs_folder(
    trial: Trial, rows: list[Submission], tmp_path: Path
) -> None:
    by_name, by_description, by_folder = rows
    listed = kaggle(
        tmp_path,
        f'{Path(by_name.upload).name}.zip,2026-11-23 15:00:00,"no, nothing",complete,0.76,',
        f"submission.csv,2026-11-23 15:01:00,{suggested_description(by_description)},complete,0.75,0.74",
        f"submission.csv,2026-11-23 15:02:00,{by_folder.run},SubmissionStatus.COMPLETE,0.74,None",
    )
    imported = import_scores(trial.runs, listed, NOW)
    assert not imported.skipped and [each.submission.run for each in imported.entered] == [row.run for row in rows]
    assert [(row.public, row.private) for row in read_ledger(trial.runs)] == [(0.76, None), (0.75, 0.74), (0.74, None)]


def test_the_list_of_later_clients_has_a_ref(trial: Trial, rows: list[Submission], tmp_path: Path) -> None:
    line = f"56073536,{Path(rows[0].upload).name},2026-09-07 09:06:04.067000,x,SubmissionStatus.COMPLETE,0.5,0.4"
    assert len(import_scores(trial.runs, kaggle(tmp_path, line, header=f"ref,{HEADER}"), NOW).entered) == 1


@pytest.mark.parametrize(("line", "said"), [
    ("{name},d,x,pending,,", "its status is 'pending', only complete ones have a score."),
    ("{name},d,x,SubmissionStatus.ERROR,,", "its status is 'SubmissionStatus.ERROR', only complete ones"),
    ("{name},d,x,complete,,", "it has no public score."),
    ("{name},d,x,complete,76.12,", "publicScore is 76.12; scores here are fractions of 1: write 0.7612."),
    ("{name},d,x,complete,0.5,much", "privateScore is 'much', which is no number"),
    ("submission.csv,d,focal run,complete,0.5,", "neither its name nor its description 'focal run' says which"),
    ("submission.csv,d,{tag} or {other},complete,0.5,", "says which registered submission it is; upload the file that"),
    ("a{tag}.csv,d,,complete,0.5,", "neither its name nor its description ''"),
    ("x{tag}0.csv,d,,complete,0.5,", "neither its name nor its description ''"),
    ("{name},d,x", "row 2: 3 cells; expected 6"),
])
def test_a_row_left_out_says_why(
    trial: Trial, rows: list[Submission], tmp_path: Path, line: str, said: str
) -> None:
    words = {"name": Path(rows[0].upload).name, "tag": rows[0].tag, "other": rows[1].tag}
    imported = import_scores(trial.runs, kaggle(tmp_path, line.format(**words)), NOW)
    assert not imported.entered and len(imported.skipped) == 1
    assert "kaggle.csv, row 2" in imported.skipped[0] and said in imported.skipped[0]
    assert read_ledger(trial.runs) == rows


def test_a_file_listed_twice_keeps_the_first_score(trial: Trial, rows: list[Submission], tmp_path: Path) -> None:
    name = Path(rows[0].upload).name
    imported = import_scores(trial.runs, kaggle(tmp_path, f"{name},d,,complete,0.6,", f"{name},d,,complete,0.5,"), NOW)
    assert "row 3" in imported.skipped[0] and "is in an earlier row too" in imported.skipped[0]
    assert read_ledger(trial.runs)[0].public == 0.6


def test_a_score_that_was_typed_wrong_is_replaced_and_told(
    trial: Trial, rows: list[Submission], tmp_path: Path
) -> None:
    import_scores(trial.runs, kaggle(tmp_path, f"{Path(rows[0].upload).name},d,,complete,0.7,0.4"), NOW)
    listed = kaggle(tmp_path, f"{Path(rows[0].upload).name},d,,complete,0.6,0.5")
    assert import_scores(trial.runs, listed, NOW).entered[0].replaced == "public 0.7 and private 0.4"


@pytest.mark.parametrize(("header", "said"), [
    ("Using competition: masks", "row 1: no column fileName, date"),
    ("fileName,date,description,status,publicScore", "row 1: no column privateScore"),
])
def test_what_is_no_such_list_is_a_sentence(
    trial: Trial, rows: list[Submission], tmp_path: Path, header: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        import_scores(trial.runs, kaggle(tmp_path, "a", header=header), NOW)
