"""A match on disk: the split, the k-fold around it, the record, read back by those who use them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from analysis.leaderboard.ledger import read_ledger
from analysis.leaderboard.match_inputs import MatchInputs, gather_inputs
from analysis.leaderboard.match_record import MatchFiles, read_match
from analysis.leaderboard.matched_split import MatchSettings, expectations, matched_folds, write_match
from analysis.leaderboard.registration import enter_score, find_run
from analysis.split_match import SplitMatch, match_folds
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from data.splits import PersonSplit
from runners.state import read_json

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
SETTINGS = MatchSettings(valid_fraction=0.2, candidates=300)


@pytest.fixture
def matched(trial: Trial) -> tuple[SplitMatch, MatchInputs]:
    for number, score in enumerate((0.7, 0.6)):
        enter_score(trial.runs, find_run(trial.runs, f"run_{number}"), score, None, "", NOW)
    inputs = gather_inputs(trial.runs, read_ledger(trial.runs), trial.data)
    match = match_folds(
        inputs.folds, inputs.table["target"], inputs.table["person"], inputs.oof, inputs.public, test=inputs.test,
        candidates=300, seed=4,
    )
    return match, inputs


def test_both_splits_are_read_back_by_an_experiment(
    trial: Trial, matched: tuple[SplitMatch, MatchInputs], tmp_path: Path
) -> None:
    match, inputs = matched
    files = MatchFiles(tmp_path / "splits/matched.csv")
    write_match(files, match, inputs, SETTINGS, NOW)
    train = trial.data.train
    split = PersonSplit.from_csv(files.split).assign(train, seed=0)
    kfold = PersonSplit.from_csv(files.kfold).assign(train, seed=0)
    persons = set(match.persons)
    assert set(split) == {0, -1} and set(train["person"][split == 0]) == persons
    assert set(kfold) == {0, 1, 2, 3, 4} and set(train["person"][kfold == 0]) == persons
    assert pd.Series(kfold).groupby(train["person"]).nunique().max() == 1
    assert np.bincount(kfold)[1:].min() >= 7 * 7                # 32 persons on four folds
    assert files.split.read_text().splitlines()[0] == "image_id,path,person,target,fold"


def test_the_record_says_what_the_match_is_worth(matched: tuple[SplitMatch, MatchInputs], tmp_path: Path) -> None:
    match, inputs = matched
    files = MatchFiles(tmp_path / "matched.csv")
    write_match(files, match, inputs, SETTINGS, NOW)
    record = read_json(files.record)
    assert (record["family"], record["seed"], record["persons"]) == (match.family, 4, match.persons.tolist())
    assert record["error"]["value"] == match.table.loc[match.family, "error"]
    assert record["error"]["low"] <= record["error"]["value"] <= record["error"]["high"]
    run = record["runs"][1]
    assert run["public"] == 0.6 and run["run"] == inputs.scored[1].run
    assert run["expected"] == match.expected(inputs.oof[1]) and run["low"] <= run["expected"] <= run["high"] <= 1
    members = inputs.table["person"].isin(match.persons.tolist())
    targets, labels = inputs.table["target"][members], inputs.oof[1].argmax(1)[members]
    assert run["split"] == pytest.approx(f1_score(targets, labels, average="macro"), abs=1e-12)
    assert {row["family"] for row in record["table"]} == set(match.table.index)

    read = read_match(files.record)
    assert read is not None and read.noise == match.noise and read.expected[run["run"]] == run["expected"]
    table = inputs.table
    arrays = table["target"].to_numpy(np.int64), table["person"].to_numpy(np.str_), inputs.oof[1].argmax(1)
    assert read.split_score(*arrays) == pytest.approx(run["split"], abs=1e-12)
    other = np.char.add("x", arrays[1])
    assert read.split_score(arrays[0], other, arrays[2]) is None


def test_expectations_stay_within_the_range_of_scores(matched: tuple[SplitMatch, MatchInputs]) -> None:
    for each in expectations(*matched):
        assert 0 <= each.low <= each.expected <= each.high <= 1 and each.high - each.low > 0


@pytest.mark.parametrize(("valid_fraction", "folds"), [(0.2, 5), (0.1, 10), (0.5, 3)])
def test_folds_are_about_the_size_of_the_match(
    matched: tuple[SplitMatch, MatchInputs], valid_fraction: float, folds: int
) -> None:
    match, inputs = matched
    _, kfold = matched_folds(inputs.table, match, valid_fraction)
    assert set(kfold) == set(range(folds))


def test_where_there_is_no_record_or_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "matched.json"
    assert read_match(path) is None
    path.write_text(json.dumps({"runs": []}))
    with pytest.raises(DataError, match=r"matched.json is no record of a match \(KeyError: 'persons'\); `python -m "):
        read_match(path)
    path.write_text("{")
    with pytest.raises(DataError, match="matched.json is damaged"):
        read_match(path)


def test_a_folder_that_can_not_be_written_is_a_sentence(
    matched: tuple[SplitMatch, MatchInputs], tmp_path: Path
) -> None:
    (tmp_path / "splits").write_text("a file")
    with pytest.raises(DataError, match="splits can't be written"):
        write_match(MatchFiles(tmp_path / "splits/matched.csv"), *matched, SETTINGS, NOW)
