"""The greedy selection equals the paper's loop written out, addition by addition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from analysis.ensembles.greedy import SAME, greedy_selection
from analysis.ensembles.members import Members


def plain_selection(
    probabilities: NDArray[np.float32], targets: NDArray[np.int64], steps: int
) -> tuple[list[int], list[float], int]:
    """Caruana et al. (2004), section 2 and 2.1: hill-climbing with replacement, one model at a time."""
    bag: list[int] = []
    path: list[float] = []
    for _ in range(steps):
        scores = []
        for candidate in range(len(probabilities)):
            total = np.zeros_like(probabilities[0])
            for member in [*bag, candidate]:
                total = total + probabilities[member]
            scores.append(f1_score(targets, total.argmax(1), average="macro"))
        best = next(member for member, score in enumerate(scores) if score >= max(scores) - SAME)
        bag.append(best)
        path.append(scores[best])
    size = next(length for length, score in enumerate(path, start=1) if score >= max(path) - SAME)
    return bag, path, size


@given(
    seed=st.integers(0, 10_000), members=st.integers(1, 5), classes=st.integers(2, 5), coarse=st.booleans()
)
@settings(max_examples=25, deadline=None)
def test_it_equals_a_plain_loop(seed: int, members: int, classes: int, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, 40)
    logits = rng.normal(size=(members, 40, classes)) + 1.2 * np.eye(classes)[targets]
    probabilities = (np.exp(logits) / np.exp(logits).sum(2, keepdims=True)).astype(np.float32)
    if coarse:      # quarters: sums are exact, and classes tie often
        probabilities = np.round(probabilities * 4).astype(np.float32) / 4
    found = greedy_selection(probabilities, targets, steps=8)
    bag, path, size = plain_selection(probabilities, targets, steps=8)
    assert list(found.added) == bag and found.size == size
    np.testing.assert_allclose(found.scores, path, atol=1e-12)
    np.testing.assert_allclose(found.weights(members), np.bincount(bag[:size], minlength=members) / size)


def test_it_equals_a_plain_loop_on_simulated_runs(members: Members) -> None:
    found = greedy_selection(members.oof, members.targets, steps=6)
    bag, path, size = plain_selection(members.oof, members.targets, steps=6)
    assert (list(found.added), found.size) == (bag, size)
    np.testing.assert_allclose(found.scores, path, atol=1e-12)


def test_it_is_never_worse_than_the_best_member_and_may_take_it_alone(members: Members) -> None:
    scores = [f1_score(members.targets, labels, average="macro") for labels in members.labels]
    found = greedy_selection(members.oof, members.targets)
    assert found.scores[0] == pytest.approx(max(scores)) and found.added[0] == int(np.argmax(scores))
    assert max(found.scores) == found.scores[found.size - 1] >= max(scores)
    perfect = np.eye(18, dtype=np.float32)[members.targets][None]
    alone = greedy_selection(np.concatenate([members.oof, perfect]), members.targets)
    assert alone.weights(5).tolist() == [0, 0, 0, 0, 1] and alone.size == 1
