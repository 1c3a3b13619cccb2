"""Runs are joined by image id; what does not fit is left out with its reason."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from analysis.leaderboard.ledger import read_ledger
from analysis.leaderboard.match_inputs import MatchInputs, gather_inputs
from analysis.leaderboard.registration import enter_score, find_run, prepare, register
from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial, write_run
from data.errors import DataError
from data.splits import PersonHoldout
from runners.state import read_arrays, write_arrays

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def gather(trial: Trial) -> MatchInputs:
    return gather_inputs(trial.runs, read_ledger(trial.runs), trial.data)


@pytest.fixture
def scored(trial: Trial) -> Trial:
    for number, score in enumerate((0.7, 0.6)):
        enter_score(trial.runs, find_run(trial.runs, f"run_{number}"), score, None, "", NOW)
    register(trial.runs, prepare(trial.runs, find_run(trial.runs, "run_2"), NOW)[0])
    return trial


def test_scored_and_unscored_submissions_are_stacked(scored: Trial) -> None:
    inputs = gather(scored)
    assert [row.experiment for row in inputs.scored] == ["run_0", "run_1"] and inputs.public.tolist() == [0.7, 0.6]
    assert [row.experiment for row in inputs.unscored] == ["run_2"] and inputs.left_out == ()
    assert inputs.oof.shape == (2, 280, 18) and inputs.test.shape == (2, 140, 18)
    assert inputs.unscored_oof.shape == (1, 280, 18)
    np.testing.assert_array_equal(inputs.oof[1], read_predictions(find_run(scored.runs, "run_1")).oof)
    np.testing.assert_array_equal(inputs.folds, read_predictions(find_run(scored.runs, "run_0")).folds)


def test_rows_are_joined_by_image_id_and_never_by_position(scored: Trial) -> None:
    before = gather(scored)
    rng, runs = np.random.default_rng(0), [find_run(scored.runs, f"run_{number}") for number in range(2)]
    folds = [run.fold(number).predictions for run in runs for number in range(5)]
    for path in (*(run.oof for run in runs), *(run.test for run in runs), *folds):
        arrays = read_arrays(path)
        order = rng.permutation(280) if path.stem == "oof" else np.arange(140)[::-1]
        lengths = {"oof": 280, "test": 140, "predictions": 140}[path.stem]
        write_arrays(path, {
            name: array[order] if array.ndim and len(array) == lengths else array for name, array in arrays.items()
        })
    after = gather(scored)
    np.testing.assert_array_equal(after.oof, before.oof)
    np.testing.assert_array_equal(after.test, before.test)          # all folds of these runs predict alike
    np.testing.assert_array_equal(after.folds, before.folds)


def test_a_position_is_not_an_id(scored: Trial) -> None:
    """The control of the test above: arrays moved without their ids are other predictions."""
    before, run = gather(scored), find_run(scored.runs, "run_1")
    arrays = read_arrays(run.oof)
    write_arrays(run.oof, arrays | {"probabilities": arrays["probabilities"][::-1]})
    assert (gather(scored).oof[1] != before.oof[1]).any()


@pytest.mark.parametrize(("array", "change", "said"), [
    ("image_ids", lambda ids: np.char.add("x", ids),
     "run_1 b2c3d4 is left out: it is on other data: 280 of its images, such as 'x"),
    ("image_ids", lambda ids: np.append(ids[:-1], ids[0]), "it predicts image '.*' twice"),
    ("targets", lambda targets: (targets + (np.arange(280) == 7)) % 18,
     r"1 images have another class than in .* \(\d+ in the run, \d+ in the data\); were labels corrected\?"),
    ("persons", lambda persons: persons[::-1], "images have another person than in"),
])
def test_a_run_on_other_data_is_left_out_with_its_reason(  # noqa: ANN001
    scored: Trial, array: str, change, said: str
) -> None:
    run = find_run(scored.runs, "run_1")
    arrays = read_arrays(run.oof)
    write_arrays(run.oof, arrays | {array: change(arrays[array])})
    inputs = gather(scored)
    assert [row.experiment for row in inputs.scored] == ["run_0"] and len(inputs.left_out) == 1
    with pytest.raises(DataError, match=said):
        raise DataError(inputs.left_out[0])


def test_other_test_images_and_another_number_of_classes_are_named(scored: Trial) -> None:
    run = find_run(scored.runs, "run_1")
    arrays = read_arrays(run.test)
    write_arrays(run.test, arrays | {"image_ids": np.char.add("x", arrays["image_ids"])})
    assert "140 of its images, such as 'x0" in gather(scored).left_out[0]
    fewer = dataclasses.replace(scored.data, class_names=scored.data.class_names[:17])
    with pytest.raises(DataError, match="None of 3 submissions can be matched: .* it has 18 classes, .* has 17"):
        gather_inputs(scored.runs, read_ledger(scored.runs), fewer)


def test_a_hold_out_has_no_predictions_of_all_images(scored: Trial) -> None:
    first = find_run(scored.runs, "run_0")
    read, data = read_predictions(first), scored.data
    folds = PersonHoldout(valid_fraction=0.25).assign(data.train, seed=0)
    run = dataclasses.replace(first, root=scored.runs / "holdout/20261124-150000-ab")
    write_run(run, data, folds, read.oof, np.roll(read.test, 1, axis=0)[None])
    enter_score(scored.runs, run, 0.5, None, "", NOW)
    (sentence,) = gather(scored).left_out
    assert "holdout ab is left out: it has predictions of 70 of the 280 training images of" in sentence
    assert sentence.endswith("a k-fold run predicts all of them.")


def test_a_run_that_is_gone_or_changed_is_named(scored: Trial) -> None:
    gone, changed = find_run(scored.runs, "run_0"), find_run(scored.runs, "run_1")
    gone.manifest.unlink()
    changed.submission.write_text(changed.submission.read_text() + "\n")
    with pytest.raises(DataError, match="None of 3 submissions can be matched: run_0 a1b2c3 is left out: .* is gone "):
        gather(scored)
    gone.write_manifest()
    inputs = gather(scored)
    assert "run_1 b2c3d4 is left out" in inputs.left_out[0] and "changed since it was registered" in inputs.left_out[0]


def test_without_a_public_score_there_is_nothing_to_match(trial: Trial) -> None:
    with pytest.raises(DataError, match="No submission in .* has a public score; `python -m experiments leaderboard "):
        gather(trial)


def test_the_split_in_use_is_the_commonest(scored: Trial) -> None:
    enter_score(scored.runs, find_run(scored.runs, "run_2"), 0.65, None, "", NOW)
    run = find_run(scored.runs, "run_0")
    arrays = read_arrays(run.oof)
    write_arrays(run.oof, arrays | {"folds": (arrays["folds"] + 1) % 5})
    np.testing.assert_array_equal(gather(scored).folds, arrays["folds"])
