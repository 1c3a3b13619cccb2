"""Prior drift: predicted class shares against the estimated ones and those of earlier submissions."""

import numpy as np
import pytest

from analysis.leaderboard.prior_drift import PriorDrift, prior_drift, total_variation
from analysis.leaderboard.registration import find_run
from analysis.matching.label_shift import em_prior
from analysis.run_predictions import read_predictions, read_test
from benchmarks.simulated_runs import Trial
from runners.run_folder import RunFolder
from runners.state import read_json, write_json


def test_total_variation_is_the_share_that_would_have_to_move() -> None:
    assert total_variation(np.array([0.5, 0.5, 0]), np.array([0.2, 0.5, 0.3])) == pytest.approx(0.3)


def test_shares_are_counted_and_estimated_from_the_run_alone(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    drift, read = prior_drift(run, []), read_predictions(run)
    np.testing.assert_allclose(drift.predicted, np.bincount(read.test.argmax(1), minlength=18) / len(read.test))
    as_oof = read.test_as_out_of_fold().argmax(1)
    np.testing.assert_allclose(drift.estimated, em_prior(read.targets, read.labels[None], as_oof[None], 18))
    assert drift.from_earlier is None and drift.earlier_count == 0


def test_earlier_submissions_are_averaged_and_lost_ones_left_out(trial: Trial) -> None:
    first, second, third = (find_run(trial.runs, f"run_{number}") for number in range(3))
    second.oof.unlink()
    drift = prior_drift(third, [first, second])
    expected = np.bincount(read_predictions(first).test.argmax(1), minlength=18) / 140
    assert drift.earlier_count == 1 and drift.earlier is not None
    np.testing.assert_allclose(drift.earlier, expected)
    read = [read_predictions(run) for run in (third, first)]
    as_oof = np.stack([each.test_as_out_of_fold().argmax(1) for each in read])
    joint = em_prior(read[0].targets, np.stack([each.labels for each in read]), as_oof, 18)
    np.testing.assert_allclose(drift.estimated, joint)
    assert drift.from_earlier == pytest.approx(total_variation(drift.predicted, expected))


def make_final_fit(run: RunFolder) -> RunFolder:
    """The same run, as if it had trained on everybody."""
    run.oof.unlink()
    write_json(run.scores, {"classes": read_json(run.scores)["classes"], "fits": []})
    return run


def test_a_final_fit_is_held_against_the_estimate_of_the_latest_run_with_folds(trial: Trial) -> None:
    first, second, third = (find_run(trial.runs, f"run_{number}") for number in range(3))
    before, fit = prior_drift(second, [first]), make_final_fit(third)
    drift = prior_drift(fit, [first, second])
    np.testing.assert_allclose(drift.estimated, before.estimated)
    np.testing.assert_allclose(drift.predicted, np.bincount(read_test(fit)[1].argmax(1), minlength=18) / 140)
    assert drift.earlier_count == 2


def test_of_a_final_fit_alone_no_drift_is_known(trial: Trial) -> None:
    drift = prior_drift(make_final_fit(find_run(trial.runs, "run_0")), [])
    assert drift.estimated is None and drift.from_estimate is None
    assert drift.lines(["ant"]) == ["not known: this is a final fit, and no run with folds was handed in before"]


def test_the_lines_name_the_class_that_differs_most() -> None:
    drift = PriorDrift(np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.2, 0.4]), np.array([0.5, 0.2, 0.3]), 2)
    assert drift.lines(["ant", "bee", "cat"]) == [
        "0.200 from the estimated test prior, most of it in class cat:",
        "predicted 20.0%, estimated 40.0%",
        "0.100 from the 2 earlier submissions",
    ]
