"""The played leaderboard: halves as scikit-learn scores them, ten files a day, and no other way to the answers."""

import re
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from analysis.leaderboard.played_leaderboard import A_DAY, PLAYED, play
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from data.metadata import ImageData
from data.reading import read_data
from data.submission import write_submission

PROJECT = Path(__file__).parents[3]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def data(trial: Trial, tmp_path: Path) -> ImageData:
    """Data of the test's own, so that its solution can be changed."""
    shutil.copytree(trial.data.root, tmp_path / "data")
    return read_data(tmp_path / "data")


def write_answers(path: Path, data: ImageData, seed: int) -> Path:
    ids = data.test["image_id"].tolist()
    write_submission(path, data, ids, np.random.default_rng(seed).integers(0, 18, len(ids)))
    return path


def test_each_half_is_scored_as_scikit_learn_does(trial: Trial, tmp_path: Path) -> None:
    file = sorted(trial.runs.glob("run_0/*/submission.csv"))[0]
    solution = pd.read_csv(trial.data.root / "solution.csv").set_index("ImageID")
    answers = pd.read_csv(file).set_index("ImageID")["ans"].loc[solution.index]
    expected = {
        half: f1_score(solution["ans"][rows], answers[rows], average="macro")
        for half in ("public", "private") for rows in [solution["half"] == half]
    }
    shuffled = tmp_path / "data"
    shutil.copytree(trial.data.root, shuffled)
    solution.sample(frac=1, random_state=0).to_csv(shuffled / "solution.csv")       # its order must not matter
    for root in (trial.data.root, shuffled):
        first, last = (play(trial.runs, read_data(root), file, final, NOON) for final in (False, True))
        assert first.private is None
        assert first.public == last.public == pytest.approx(expected["public"], abs=1e-12)
        assert last.private == pytest.approx(expected["private"], abs=1e-12)
    assert expected["public"] != expected["private"]


def test_the_eleventh_file_of_a_day_waits_for_tomorrow(trial: Trial, data: ImageData, tmp_path: Path) -> None:
    files = [write_answers(tmp_path / f"s{number}.csv", data, number) for number in range(A_DAY + 1)]
    left = [play(trial.runs, data, file, False, NOON).left_today for file in files[:A_DAY]]
    assert left == list(range(A_DAY - 1, -1, -1))
    with pytest.raises(DataError, match=r"s10.csv was not scored: 10 files were scored on 2026-11-23 \(UTC\) already"):
        play(trial.runs, data, files[A_DAY], False, NOON)
    again = play(trial.runs, data, files[0], True, NOON)
    assert not again.counted and again.private is not None, "a file scored before costs nothing, its end neither"
    just_before = (NOON + timedelta(hours=11.9)).astimezone(timezone(timedelta(hours=9)))   # tomorrow already in Seoul
    with pytest.raises(DataError, match="already"):
        play(trial.runs, data, files[A_DAY], False, just_before)
    assert play(trial.runs, data, files[A_DAY], False, NOON + timedelta(hours=12)).left_today == A_DAY - 1
    record = pd.read_csv(trial.runs / PLAYED)
    assert len(record) == A_DAY + 1 and record["sha256"].nunique() == A_DAY + 1


def test_another_competition_has_ten_of_its_own(trial: Trial, data: ImageData, tmp_path: Path) -> None:
    file = write_answers(tmp_path / "s.csv", data, 0)
    play(trial.runs, data, file, False, NOON)
    solution = data.root / "solution.csv"
    solution.write_text(solution.read_text().replace(",private", ",public", 1))
    score = play(trial.runs, data, file, False, NOON)
    assert score.counted and score.left_today == A_DAY - 1


def test_a_broken_submission_is_refused_and_costs_nothing(trial: Trial, data: ImageData, tmp_path: Path) -> None:
    file = write_answers(tmp_path / "s.csv", data, 0)
    file.write_text(file.read_text().rstrip("\n") + ".0\n")
    with pytest.raises(DataError, match="expected an integer from 0 to 17"):
        play(trial.runs, data, file, False, NOON)
    assert not (trial.runs / PLAYED).exists()


def test_a_file_first_scored_after_the_private_half_was_opened_is_late(
    trial: Trial, data: ImageData, tmp_path: Path
) -> None:
    early, late = (write_answers(tmp_path / f"s{number}.csv", data, number) for number in range(2))
    assert not play(trial.runs, data, early, True, NOON).late
    assert play(trial.runs, data, late, False, NOON + timedelta(minutes=1)).late
    assert not play(trial.runs, data, early, False, NOON + timedelta(minutes=2)).late


@pytest.mark.parametrize(("damage", "said"), [
    (lambda text: text.replace(",private", ",secret", 1), "half is 'secret'; expected 'public', 'private'"),
    (lambda text: re.sub(r"\n(\w+\.jpg),\d+", r"\n\1,18", text, count=1), "row 2: ans is '18'; expected '0', '1'"),
    (lambda text: text[: text.rstrip().rindex("\n") + 1], "139 rows for 140 test images; expected their ids, each"),
    (lambda text: text.replace("half", "part", 1), "row 1: no column half"),
])
def test_a_solution_that_does_not_fit_is_a_sentence(  # noqa: ANN001
    trial: Trial, data: ImageData, tmp_path: Path, damage, said: str
) -> None:
    path = data.root / "solution.csv"
    path.write_text(damage(path.read_text()))
    with pytest.raises(DataError, match=said):
        play(trial.runs, data, write_answers(tmp_path / "s.csv", data, 0), False, NOON)


def test_answers_behind_a_link_out_of_the_data_are_not_read(trial: Trial, data: ImageData, tmp_path: Path) -> None:
    (data.root / "solution.csv").rename(tmp_path / "elsewhere.csv")
    (data.root / "solution.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(DataError, match="'solution.csv' in .* is a link to a place outside the data folder"):
        play(trial.runs, data, write_answers(tmp_path / "s.csv", data, 0), False, NOON)


def test_the_name_of_a_file_is_no_formula_in_the_record(
    trial: Trial, data: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_answers(tmp_path / "=1+1.csv", data, 0)
    monkeypatch.chdir(tmp_path)
    play(trial.runs, data, Path("=1+1.csv"), False, NOON)
    assert ",'=1+1.csv," in (trial.runs / PLAYED).read_text()


def test_data_without_answers_can_not_be_played(trial: Trial, data: ImageData, tmp_path: Path) -> None:
    (data.root / "solution.csv").unlink()
    with pytest.raises(DataError, match="has no solution.csv: its leaderboard can't be played here"):
        play(trial.runs, data, write_answers(tmp_path / "s.csv", data, 0), False, NOON)


def test_a_damaged_record_is_refused(trial: Trial, data: ImageData, tmp_path: Path) -> None:
    file = write_answers(tmp_path / "s.csv", data, 0)
    play(trial.runs, data, file, False, NOON)
    record = trial.runs / PLAYED
    record.write_text(record.read_text().replace("2026-11-23T", "Monday "))
    with pytest.raises(DataError, match="leaderboard_played.csv, row 2: scored is 'Monday 12:00"):
        play(trial.runs, data, file, False, NOON)


def test_nothing_else_reads_the_answers() -> None:
    writers = {"data/synthetic.py", "data/roster.py", "benchmarks/simulated_runs.py"}
    readers = {"analysis/leaderboard/played_leaderboard.py"}
    told = {"experiments/_leaderboard.py"}                          # its --help says what data can be played
    packages = ("analysis", "benchmarks", "callbacks", "data", "experiments", "runners")
    named = {
        path.relative_to(PROJECT).as_posix()
        for package in packages for path in (PROJECT / package).rglob("*.py")
        if re.search(r"solution", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    assert readers <= named <= writers | readers | told
    for name in writers | told:
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert not re.search(r"(read|open|load)\w*\([^)\n]*solution", text, re.IGNORECASE), name
