"""A class's bias is the best of the grid, counted exactly as scikit-learn counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from analysis.ensembles.blends import log_probabilities
from analysis.ensembles.class_bias import GRID, _scores_of_class, class_bias
from analysis.ensembles.members import Members


@given(seed=st.integers(0, 1000), weighted=st.booleans(), coarse=st.booleans())
@settings(max_examples=12, deadline=None)
def test_every_value_of_a_bias_is_scored_as_scikit_learn_scores_it(seed: int, weighted: bool, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, 40)
    logs = np.log(rng.dirichlet(np.full(3, 0.5), 40))
    weights = rng.integers(1, 4, 40).astype(float) if weighted else np.ones(40)
    held = rng.normal(size=3)
    if coarse:      # quarters: classes tie
        logs, held = np.round(logs * 4) / 4, np.round(held * 4) / 4
    one = int(rng.integers(3))
    scores = _scores_of_class(logs + held, logs[:, one], one, targets, weights)
    for value, score in zip(GRID[::5], scores[::5], strict=True):
        changed = logs + np.where(np.arange(3) == one, value, held)
        expected = f1_score(targets, changed.argmax(1), average="macro", sample_weight=weights)
        assert score == pytest.approx(expected, abs=1e-9)


def test_coordinate_ascent_ends_where_no_single_bias_is_better(members: Members) -> None:
    logs = log_probabilities(members.oof[0])
    bias = class_bias(logs, members.targets)
    best = f1_score(members.targets, (logs + bias).argmax(1), average="macro")
    assert best > f1_score(members.targets, logs.argmax(1), average="macro")
    again = class_bias(logs + bias, members.targets)
    assert f1_score(members.targets, (logs + bias + again).argmax(1), average="macro") >= best
    assert np.abs(bias).max() <= GRID.max() and set(bias) <= set(GRID.tolist())


def test_a_class_that_is_never_answered_gets_a_push_and_what_is_perfect_is_left() -> None:
    targets = np.repeat([0, 1], [90, 10])
    given_truth = np.where(targets == 1, 0.4, 0.05)
    logs = np.log(np.column_stack([1 - given_truth, given_truth]))
    assert (logs.argmax(1) == 0).all()
    bias = class_bias(logs, targets)
    assert ((logs + bias).argmax(1) == targets).all() and bias[1] - bias[0] > 0
    assert class_bias(np.log(np.eye(2)[targets] * 0.8 + 0.1), targets).tolist() == [0, 0]
