"""The table: out-of-fold, expected and leaderboard scores, and what they rest on."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analysis.leaderboard.leaderboard_table import Line, leaderboard_lines
from analysis.leaderboard.ledger import Submission, read_ledger
from analysis.leaderboard.registration import enter_score, find_run
from analysis.matching.score_noise import score_deviation
from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial
from runners.state import read_json, write_json

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture
def lines_of(trial: Trial, tmp_path: Path):  # noqa: ANN201
    for number, score in enumerate((0.7, 0.6)):
        enter_score(trial.runs, find_run(trial.runs, f"run_{number}"), score, None, "", NOW)

    def read() -> tuple[list[Line], list[str]]:
        return leaderboard_lines(trial.runs, read_ledger(trial.runs), tmp_path / "matched.json")

    return read


def test_without_a_match_the_whole_table_is_expected(trial: Trial, lines_of) -> None:  # noqa: ANN001
    lines, problems = lines_of()
    run = find_run(trial.runs, "run_0")
    read = read_predictions(run)
    assert not problems and [line.how for line in lines] == ["table", "table"]
    assert lines[0].oof == lines[0].expected == pytest.approx(read_json(run.scores)["oof"]["f1"], abs=1e-12)
    assert lines[0].gap == pytest.approx(0.7 - lines[0].oof)
    _, person = np.unique(read.persons, return_inverse=True)
    noise = score_deviation(read.targets, person, read.labels[None], np.ones(280), 10)      # half of 20 persons
    assert lines[0].noise == pytest.approx(float(noise[0]))


def test_a_match_says_what_to_expect_of_its_runs_and_its_split_of_later_ones(  # noqa: ANN001
    trial: Trial, lines_of, tmp_path: Path
) -> None:
    first = find_run(trial.runs, "run_0")
    read = read_predictions(find_run(trial.runs, "run_1"))
    persons = sorted(set(read.persons))[:10]
    record = {"persons": persons, "noise": 0.02,
              "runs": [{"run": first.root.relative_to(trial.runs).as_posix(), "expected": 0.66}]}
    write_json(tmp_path / "matched.json", record)
    known, later = lines_of()[0]
    assert (known.how, known.expected, known.noise) == ("match", 0.66, 0.02)
    assert known.band == pytest.approx((0.66 - 1.96 * 0.02, 0.66 + 1.96 * 0.02)) and known.outside
    from sklearn.metrics import f1_score

    rows = np.isin(read.persons, persons)
    expected = f1_score(read.targets[rows], read.labels[rows], average="macro")
    assert later.how == "split" and later.expected == pytest.approx(expected, abs=1e-12)
    write_json(tmp_path / "matched.json", record | {"persons": ["somebody else"]})
    assert {line.how for line in lines_of()[0]} == {"table"}


def test_a_run_that_is_no_longer_as_it_was_is_told_and_its_scores_are_kept(trial: Trial, lines_of) -> None:  # noqa: ANN001
    run = find_run(trial.runs, "run_0")
    run.submission.write_text("changed")
    find_run(trial.runs, "run_1").oof.unlink()
    lines, problems = lines_of()
    assert [line.submission.public for line in lines] == [0.7, 0.6] and [line.oof for line in lines] == [None, None]
    assert "changed since it was registered" in problems[0] and "has no oof.npz" in problems[1]


def test_a_line_without_scores_has_no_gap_and_no_band() -> None:
    row = Submission("a/b-c", "0" * 64, "", "uploads/x.csv", None, None)
    assert Line(row).gap is None and Line(row).band is None and not Line(row).outside
    assert Line(row, 0.99, 0.99, "table", 0.02).band == pytest.approx((0.99 - 1.96 * 0.02, 1.0))
