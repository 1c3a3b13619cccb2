"""Prior drift: predicted class shares against the estimated ones and those of earlier submissions."""

import numpy as np
import pytest

from analysis.leaderboard.prior_drift import PriorDrift, prior_drift, total_variation
from analysis.leaderboard.registration import find_run
from analysis.matching.label_shift import em_prior
from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial


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


def test_the_lines_name_the_class_that_differs_most() -> None:
    drift = PriorDrift(np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.2, 0.4]), np.array([0.5, 0.2, 0.3]), 2)
    assert drift.lines(["ant", "bee", "cat"]) == [
        "0.200 from the estimated test prior, most of it in class cat:",
        "predicted 20.0%, estimated 40.0%",
        "0.100 from the 2 earlier submissions",
    ]
