"""A file's class shares beside those of earlier submissions and of the estimated prior."""

from datetime import UTC, datetime

import numpy as np
import pytest

from analysis.leaderboard.prior_estimate import estimated_prior
from analysis.leaderboard.registration import enter_score
from analysis.matching.label_shift import class_shares
from analysis.run_predictions import read_predictions
from analysis.submissions.drift import USUAL, file_drift
from analysis.submissions.form import form_of_run
from benchmarks.simulated_runs import Trial
from data.submission import read_answers
from runners.run_folder import list_runs
from runners.state import file_digest

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).sum() / 2)


def test_before_any_submission_a_run_estimates_the_prior(trial: Trial) -> None:
    run = list_runs(trial.runs)[0]
    form = form_of_run(run)
    labels = read_answers(run.submission, form)
    found = file_drift(trial.runs, labels, form, file_digest(run.submission), run)
    assert found is not None and found.drift.earlier is None and found.usual_from_estimate >= USUAL
    expected = estimated_prior(read_predictions(run), [])
    assert found.drift.from_estimate == pytest.approx(distance(class_shares(labels, 18), expected))
    assert file_drift(trial.runs, labels, form, "", None) is None


def test_earlier_submissions_say_what_is_usual(trial: Trial) -> None:
    runs = list_runs(trial.runs)
    for run in runs:
        enter_score(trial.runs, run, 0.5, None, "", NOW)
    form = form_of_run(runs[0])
    labels = [read_answers(run.submission, form) for run in runs]
    shares = [class_shares(each, 18) for each in labels]
    own = file_drift(trial.runs, labels[0], form, file_digest(runs[0].submission), runs[0])
    assert own is not None and own.drift.earlier_count == 2         # itself is none of them
    assert own.drift.from_earlier == pytest.approx(distance(shares[0], np.mean(shares[1:], axis=0)))
    assert own.usual_from_earlier == pytest.approx(max(USUAL, distance(shares[1], shares[2])))
    assert not own.warnings()

    odd = file_drift(trial.runs, np.full(140, 8), form, "", runs[0])
    assert odd is not None and odd.drift.earlier_count == 3
    said = odd.warnings()
    assert "from the estimated test prior, more than the usual" in said[0] and "from those of earlier" in said[1]


def test_submissions_on_other_images_do_not_count(trial: Trial) -> None:
    runs = list_runs(trial.runs)
    enter_score(trial.runs, runs[0], 0.5, None, "", NOW)
    form = form_of_run(runs[0])
    other = type(form)(form.id_column, form.answer_column, ("t.jpg",), form.answers)
    assert file_drift(trial.runs, np.array([0]), other, "", runs[0]) is None
