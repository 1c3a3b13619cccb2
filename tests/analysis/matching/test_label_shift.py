"""Both estimators find class shares they were not told; the weights realise them."""

import numpy as np
import pytest

from analysis.matching.label_shift import bbse_prior, class_shares, em_prior, label_weights
from data.errors import DataError

CONFUSION = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.05, 0.25, 0.7]])       # p(predicted | true), row = true
TRAIN, TEST = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])


def exact_predictions(shares: np.ndarray, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets and labels (n,) with exactly the counts that shares and CONFUSION prescribe."""
    counts = np.rint(images * shares[:, None] * CONFUSION).astype(int)
    true, predicted = np.indices(counts.shape)
    return np.repeat(true, counts.ravel()), np.repeat(predicted, counts.ravel())


@pytest.mark.parametrize("estimate", [bbse_prior, em_prior])
def test_finds_the_shares_exactly_where_the_confusion_holds(estimate) -> None:
    targets, labels = exact_predictions(TRAIN, 10_000)
    _, test_labels = exact_predictions(TEST, 10_000)
    shares = estimate(targets, labels[None], test_labels[None], 3)
    np.testing.assert_allclose(shares, TEST, atol=1e-4)
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("estimate", [bbse_prior, em_prior])
def test_finds_drawn_shares_with_several_runs(estimate) -> None:
    rng = np.random.default_rng(0)
    targets, unseen = rng.choice(3, 6000, p=TRAIN), rng.choice(3, 4000, p=TEST)
    cumulative = CONFUSION.cumsum(1)

    def predict(true: np.ndarray) -> np.ndarray:
        return (rng.random((5, true.size, 1)) > cumulative[true]).sum(2)

    shares = estimate(targets, predict(targets), predict(unseen), 3)
    np.testing.assert_allclose(shares, TEST, atol=0.03)
    assert np.abs(shares - TRAIN).max() > 0.3


def test_em_is_the_most_likely_prior() -> None:
    rng = np.random.default_rng(1)
    targets, labels = exact_predictions(TRAIN, 500)
    test_labels = rng.integers(0, 3, 300)
    shares = em_prior(targets, labels[None], test_labels[None], 3)
    likelihood = np.zeros((3, 3))
    np.add.at(likelihood, (labels, targets), 1)
    likelihood /= likelihood.sum(0)
    count = np.bincount(test_labels, minlength=3)

    def fit(prior: np.ndarray) -> float:
        return float(count @ np.log(likelihood @ prior))

    for other in rng.dirichlet(np.ones(3), 200):
        assert fit(shares) >= fit(0.99 * shares + 0.01 * other) - 1e-6


def test_a_class_never_seen_and_a_prediction_never_made_do_no_harm() -> None:
    targets, labels = np.array([0, 0, 1, 1]), np.array([[0, 0, 1, 0]])
    for estimate in (bbse_prior, em_prior):
        shares = estimate(targets, labels, np.array([[0, 1, 2]]), 4)
        assert np.isfinite(shares).all() and shares[2:].sum() == 0 and shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(em_prior(targets, labels, np.array([[3, 3]]), 4), [0.5, 0.5, 0, 0])


def test_weights_give_the_classes_their_shares() -> None:
    targets = np.repeat([0, 1, 2], (60, 30, 10))
    weights = label_weights(targets, TEST)
    np.testing.assert_allclose(np.bincount(targets, weights) / weights.sum(), TEST)
    assert weights.mean() == pytest.approx(1)
    lost = label_weights(np.array([0, 0, 1]), np.array([0.25, 0.25, 0.5]))      # nobody is of class 2
    np.testing.assert_allclose(np.bincount([0, 0, 1], lost) / 3, [0.5, 0.5])
    np.testing.assert_allclose(class_shares(targets, 4), [0.6, 0.3, 0.1, 0])


def test_weights_to_a_prior_that_nobody_has_are_refused() -> None:
    with pytest.raises(DataError, match="no class of the training images has a share above 0"):
        label_weights(np.array([0, 1]), np.array([0.0, 0.0, 1.0]))
