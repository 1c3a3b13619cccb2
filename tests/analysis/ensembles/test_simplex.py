"""The weights are the one optimum of the log loss on the simplex."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from analysis.ensembles.members import Members
from analysis.ensembles.simplex import simplex_weights
from data.errors import DataError


def mixture_weights(given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expectation and maximisation for the same loss, from what each member gave the true class (M, n)."""
    weights = np.full(len(given), 1 / len(given))
    for _ in range(3_000):
        parts = weights[:, None] * given
        weights = (parts / parts.sum(0)).mean(1)
    return weights


@given(seed=st.integers(0, 1000), members=st.integers(1, 4))
@settings(max_examples=10, deadline=None)
def test_it_finds_what_expectation_maximisation_finds(seed: int, members: int) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 4, 60)
    probabilities = rng.dirichlet(np.ones(4), (members, 60)).astype(np.float32)
    probabilities[:, np.arange(60), targets] += rng.random((members, 1), np.float32)
    probabilities /= probabilities.sum(2, keepdims=True)
    weights = simplex_weights(probabilities, targets)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    given_truth = probabilities[:, np.arange(60), targets].astype(float)

    def loss(chosen: NDArray[np.float64]) -> float:
        return -float(np.log(chosen @ given_truth).mean())

    assert loss(weights) <= loss(mixture_weights(given_truth)) + 1e-6


def test_no_other_weights_are_better(members: Members) -> None:
    weights = simplex_weights(members.oof, members.targets)

    def loss(chosen: NDArray[np.float64]) -> float:
        blended = np.tensordot(chosen, members.oof.astype(float), 1)
        return log_loss(members.targets, blended / blended.sum(1, keepdims=True), labels=range(18))

    others = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    assert loss(weights) < min(map(loss, others)) and loss(weights) < loss(np.full(4, 0.25))


def test_weights_that_are_no_optimum_are_refused(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.ensembles.simplex.MOST_STEPS", 1)
    with pytest.raises(DataError, match="weights of least log loss were not found .Iteration limit"):
        simplex_weights(members.oof, members.targets)


def test_a_member_that_knows_everything_gets_everything(members: Members) -> None:
    perfect = np.eye(18, dtype=np.float32)[members.targets][None]
    weights = simplex_weights(np.concatenate([members.oof, perfect]), members.targets)
    np.testing.assert_allclose(weights, [0, 0, 0, 0, 1], atol=1e-6)
