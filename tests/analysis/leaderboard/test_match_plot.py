"""The picture of a match: names apart from each other, every score drawn where it belongs."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import f1_score

from analysis.leaderboard.ledger import read_ledger
from analysis.leaderboard.match_inputs import gather_inputs
from analysis.leaderboard.match_plot import MatchPicture, match_picture, spread, write_match_plot
from analysis.leaderboard.registration import enter_score, find_run
from analysis.split_match import match_folds
from benchmarks.simulated_runs import Trial
from data.errors import DataError


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_names_stand_apart_in_order_and_within_the_panel(values: list[float]) -> None:
    ordered = np.sort(np.array(values))
    places = spread(ordered, 0.05, 0.0, 1.0)
    assert (np.diff(places) >= 0.05 - 1e-9).all()
    assert places.min() >= -1e-9 and places.max() <= 1 + 1e-9


def test_names_that_do_not_touch_stay_where_their_points_are() -> None:
    values = np.array([0.1, 0.3, 0.9])
    np.testing.assert_allclose(spread(values, 0.05, 0, 1), values)


def test_the_numbers_drawn_are_those_of_runs_and_match(trial: Trial, tmp_path: Path) -> None:
    for number, score in enumerate((0.7, 0.6)):
        enter_score(trial.runs, find_run(trial.runs, f"run_{number}"), score, None, "", datetime.now(UTC))
    inputs = gather_inputs(trial.runs, read_ledger(trial.runs), trial.data)
    table = inputs.table
    match = match_folds(inputs.folds, table["target"], table["person"], inputs.oof, inputs.public, candidates=200)
    picture = match_picture(match, inputs)
    targets, labels = table["target"].to_numpy(), inputs.oof[1].argmax(1)
    members = table["person"].isin(match.persons.tolist()).to_numpy()
    assert picture.names == ["run_0 a1b2c3", "run_1 b2c3d4"] and picture.public.tolist() == [0.7, 0.6]
    assert picture.whole[1] == pytest.approx(f1_score(targets, labels, average="macro"))
    assert picture.split[1] == pytest.approx(f1_score(targets[members], labels[members], average="macro"))
    for fold in range(5):
        rows = inputs.folds == fold
        assert picture.folds[1, fold] == pytest.approx(f1_score(targets[rows], labels[rows], average="macro"))
    write_match_plot(tmp_path / "matched.png", picture)
    with Image.open(tmp_path / "matched.png") as image:
        assert image.format == "PNG"
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert {(0, 114, 178), (213, 94, 0), (227, 227, 227)} <= colours, "before, after and the noise band"


def picture(runs: int) -> MatchPicture:
    scores = np.linspace(0.6, 0.62, runs)
    return MatchPicture(
        [f"a_long_experiment_name {run}" for run in range(runs)], scores, scores + 0.05, scores[:, None] + [[0, 0.01]],
        scores - 0.01, scores, 0.01, ("Before", "After"), "whole table",
    )


@pytest.mark.parametrize("runs", [1, 40])
def test_one_run_or_more_than_names_fit_are_drawn_too(tmp_path: Path, runs: int) -> None:
    write_match_plot(tmp_path / "matched.png", picture(runs))
    assert (tmp_path / "matched.png").stat().st_size > 10_000


def test_a_folder_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "splits").write_text("a file")
    with pytest.raises(DataError, match="matched.png can't be written"):
        write_match_plot(tmp_path / "splits/matched.png", picture(2))
