"""A run's predictions are read whole or refused, and the test images are predicted as the training images were."""

from pathlib import Path

import numpy as np
import pytest

from analysis.leaderboard.registration import find_run
from analysis.run_predictions import is_final_fit, read_predictions, read_test
from benchmarks.simulated_runs import Trial, write_run
from data.errors import DataError
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_json, write_arrays, write_json


def test_arrays_are_those_the_run_wrote(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    read, oof = read_predictions(run), read_arrays(run.oof)
    np.testing.assert_array_equal(read.oof, oof["probabilities"])
    np.testing.assert_array_equal(read.labels, oof["probabilities"].argmax(1))
    assert read.test_ids.tolist() == trial.data.test["image_id"].tolist()


def test_each_test_image_is_predicted_by_one_folds_network_in_the_folds_shares(trial: Trial, tmp_path: Path) -> None:
    images, count = len(trial.data.train), len(trial.data.test)
    folds = np.where(np.arange(images) % 7 < 6, 0, 1)               # not whole persons: only shares are looked at
    oof = np.full((images, 18), 1 / 18, np.float32)
    fold_tests = np.stack([np.eye(18, dtype=np.float32)[np.full(count, fold)] for fold in (3, 5)])
    run = write_run(RunFolder(tmp_path / "runs/two/20261123-150000-aa"), trial.data, folds, oof, fold_tests)
    as_oof = read_predictions(run).test_as_out_of_fold()
    assert set(as_oof.max(1)) == {1.0}, "one network's answer, not a mean of two"
    assert (as_oof.argmax(1) == 3).mean() == pytest.approx(6 / 7, abs=0.1)
    np.testing.assert_array_equal(as_oof, read_predictions(run).test_as_out_of_fold())
    run.fold(1).predictions.unlink()
    np.testing.assert_array_equal(read_predictions(run).test_as_out_of_fold(), fold_tests.mean(0))


def test_a_final_fit_has_test_predictions_only_and_says_so(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    run.oof.unlink()
    assert not is_final_fit(run)
    scores = read_json(run.scores)
    write_json(run.scores, {"classes": scores["classes"], "fits": [{"fit": 0, "epochs": 7}]})
    assert is_final_fit(run)
    with pytest.raises(DataError, match="is a final fit on all images: nothing was validated, so it has no out-of-"):
        read_predictions(run)
    ids, probabilities = read_test(run)
    np.testing.assert_array_equal(probabilities, read_arrays(run.test)["probabilities"])
    assert ids.tolist() == trial.data.test["image_id"].tolist()
    write_arrays(run.test, {"probabilities": probabilities[1:], "image_ids": ids})
    with pytest.raises(DataError, match="140 ids and 139 rows of probabilities found"):
        read_test(run)


def test_folds_that_do_not_fit_are_refused(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    write_arrays(run.fold(2).predictions, {"test": np.zeros((3, 18), np.float32)})
    with pytest.raises(DataError, match="predictions.npz does not hold the fold's test predictions"):
        read_predictions(run).test_as_out_of_fold()


@pytest.mark.parametrize(("name", "change", "said"), [
    ("oof.npz", None, "has no oof.npz: only a finished run has out-of-fold and test predictions"),
    ("test.npz", None, "has no test.npz"),
    ("oof.npz", {"targets": np.zeros(3, np.int64)}, "arrays of 280, 280, 280, 3, 280 images found, the same number"),
    ("oof.npz", {"probabilities": np.zeros(280, np.float32)}, r"has probabilities of shape \(280,\)"),
    ("test.npz", {"probabilities": np.zeros((140, 3), np.float32)}, r"shape \(140, 3\) found, \(140, 18\) is needed"),
])
def test_arrays_that_are_missing_or_do_not_fit_are_named(
    trial: Trial, name: str, change: dict[str, np.ndarray] | None, said: str
) -> None:
    run = find_run(trial.runs, "run_0")
    path = run.root / name
    if change is None:
        path.unlink()
    else:
        write_arrays(path, read_arrays(path) | change)
    with pytest.raises(DataError, match=said):
        read_predictions(run)


def test_an_array_that_is_not_there_is_named(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    write_arrays(run.oof, {"probabilities": np.zeros((3, 18), np.float32)})
    with pytest.raises(DataError, match="oof.npz has no array image_ids; expected probabilities, image_ids, persons"):
        read_predictions(run)


def test_a_flipped_bit_is_noticed(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    body = bytearray(run.oof.read_bytes())
    body[2000] ^= 1
    run.oof.write_bytes(bytes(body))
    with pytest.raises(DataError, match="oof.npz is damaged"):
        read_predictions(run)
