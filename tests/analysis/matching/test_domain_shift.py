"""The domain classifier: its fit, its weights, and that nobody is weighted by a classifier that has seen them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import analysis.matching.domain_shift
from analysis.matching.domain_shift import domain_weights, logistic_regression, principal_components


def test_logistic_regression_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate((rng.normal(0, 1, (300, 4)), rng.normal((0.5, -1, 0, 0.2), 1.5, (200, 4))))
    intercept, coefficients = logistic_regression(rows, 300)
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(rows, np.repeat((0, 1), (300, 200)))
    assert intercept == pytest.approx(reference.intercept_[0], abs=1e-5)
    np.testing.assert_allclose(coefficients, reference.coef_[0], atol=1e-5)


def test_sets_that_do_not_overlap_end_in_finite_weights() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 3))
    weights = domain_weights(features, np.repeat(np.arange(20), 3), features[:30] + 50)
    assert np.isfinite(weights).all() and (weights >= 0).all() and weights.mean() == pytest.approx(1)


def test_weights_recover_a_known_shift() -> None:
    rng = np.random.default_rng(2)
    trait = rng.normal(size=2000)
    features = np.repeat(trait, 4)[:, None] + rng.normal(0, 0.1, (8000, 1))
    test_features = np.repeat(rng.normal(0.8, 1, 1000), 4)[:, None] + rng.normal(0, 0.1, (4000, 1))
    person = np.repeat(np.arange(2000), 4)
    weights = domain_weights(features, person, test_features)
    assert np.average(features[:, 0], weights=weights) == pytest.approx(0.8, abs=0.12)
    np.testing.assert_allclose(weights.reshape(2000, 4), weights.reshape(2000, 4)[:, :1].repeat(4, 1))
    slope = np.polyfit(trait, np.log(weights[::4]), 1)[0]
    assert slope == pytest.approx(0.8, abs=0.1)                     # log of N(.8, 1) over N(0, 1)


def test_no_shift_gives_nearly_even_weights() -> None:
    rng = np.random.default_rng(3)
    weights = domain_weights(rng.normal(size=(4000, 5)), np.repeat(np.arange(1000), 4), rng.normal(size=(3000, 5)))
    assert weights.std() < 0.15


def test_the_classifier_that_weighs_a_person_was_fitted_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    features, test_features = rng.normal(size=(90, 2)), rng.normal(size=(40, 2))
    person = rng.permutation(np.repeat(np.arange(30), 3))
    fitted_on = []

    def spy(rows: np.ndarray, negatives: int) -> tuple[float, np.ndarray]:
        fitted_on.append(rows[:negatives])
        return logistic_regression(rows, negatives)

    monkeypatch.setattr(analysis.matching.domain_shift, "logistic_regression", spy)
    domain_weights(features, person, test_features)
    assert len(fitted_on) == 5
    held_out_times = np.zeros(30)
    for rows in fitted_on:
        seen = np.array([(rows == image).all(1).any() for image in features])
        by_person = np.array([seen[person == each] for each in range(30)])
        assert (by_person.all(1) | ~by_person.any(1)).all()         # a person's images stay together
        held_out_times += ~by_person.any(1)
    np.testing.assert_array_equal(held_out_times, 1)


def test_principal_components_are_white_and_leave_out_what_is_constant() -> None:
    rng = np.random.default_rng(5)
    mixed = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 6)) * np.arange(1, 7) + 9
    with_constant = np.column_stack((mixed, np.full(500, 0.1)))         # whose mean is not .1 to the last digit
    train, test = principal_components(with_constant[:300], with_constant[300:])
    assert train.shape == (300, 3) and test.shape == (200, 3)
    union = np.concatenate((train, test))
    np.testing.assert_allclose(union.T @ union / 500, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(union.mean(0), 0, atol=1e-9)
    in_float32, _ = principal_components(with_constant[:300].astype(np.float32), with_constant[300:].astype(np.float32))
    np.testing.assert_allclose(np.abs(in_float32), np.abs(train), atol=1e-3)
    assert principal_components(np.ones((4, 2)), np.ones((3, 2)))[0].shape == (4, 0)
    assert principal_components(rng.normal(size=(50, 9)), rng.normal(size=(50, 9)), most=4)[1].shape == (50, 4)
