"""Stacking is scikit-learn's logistic regression, whatever classes there are."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from analysis.ensembles.members import Members
from analysis.ensembles.stacking import MOST_STEPS, PRECISION, STRENGTH, features, learn_stacking
from data.errors import DataError


@pytest.mark.parametrize("classes", [18, 5, 2])
def test_it_is_scikit_learns_regression_on_log_probabilities(members: Members, classes: int) -> None:
    rows = members.targets < classes
    if classes == 2:
        rows &= members.targets < 2
    probabilities, targets = members.oof[:, rows], members.targets[rows]
    logs = np.log(np.maximum(probabilities, 1e-3))
    columns = np.hstack([member - member.mean(1, keepdims=True) for member in logs])
    np.testing.assert_allclose(features(probabilities), columns, atol=1e-6)
    model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS, tol=PRECISION).fit(columns, targets)
    found = learn_stacking(probabilities, targets).probabilities(members.oof)
    every = np.hstack([m - m.mean(1, keepdims=True) for m in np.log(np.maximum(members.oof, 1e-3))])
    np.testing.assert_allclose(found[:, model.classes_], model.predict_proba(every), atol=1e-4)
    absent = np.setdiff1d(np.arange(18), model.classes_)
    assert (found[:, absent] < 1e-6).all() and (found.argmax(1) == model.predict(every)).mean() > 0.999


def test_one_class_teaches_nothing(members: Members) -> None:
    with pytest.raises(DataError, match="all images are of one; take another method"):
        learn_stacking(members.oof[:, :7], np.zeros(7, np.int64))


def test_a_regression_that_does_not_end_is_said(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.ensembles.stacking.MOST_STEPS", 2)
    with pytest.raises(DataError, match="found no end in 2 steps"):
        learn_stacking(members.oof, members.targets)
