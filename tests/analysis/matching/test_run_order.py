"""Order of runs: Kendall's tau as scipy has it, and the chance that luck would do the same."""

from itertools import permutations
from math import isnan

import numpy as np
import pytest
from scipy.stats import kendalltau

from analysis.matching.run_order import discordant_pairs, inversion_probabilities, kendall, luck

UP = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@pytest.mark.parametrize(("splits", "runs", "percent"), [
    (10, 3, 84), (10, 4, 35), (10, 5, 8), (10, 6, 1.4), (5, 3, 60), (5, 4, 19), (5, 5, 4), (5, 6, 0.7),
])
def test_chance_that_one_of_some_meaningless_splits_is_right(splits: int, runs: int, percent: float) -> None:
    assert 100 * luck(UP[:runs], UP[:runs], splits) == pytest.approx(percent, rel=0.06)
    assert luck(UP[:runs], UP[:runs] + 0.2, splits) == luck(UP[:runs], UP[:runs], splits)       # order alone counts


def test_ten_random_splits_and_three_submissions_by_trial() -> None:
    orders = np.random.default_rng(0).random((20_000, 10, 3)).argsort(2)
    found = (orders == np.arange(3)).all(2).any(1).mean()
    assert found == pytest.approx(luck(UP[:3], UP[:3], 10), abs=0.01)


def test_luck_of_an_imperfect_order_counts_all_that_are_as_good() -> None:
    scores = np.array([0.1, 0.3, 0.2, 0.4])                                         # one pair the wrong way round
    orders = np.array(list(permutations(UP[:4])))
    as_good = np.mean(discordant_pairs(orders, UP[:4]).sum(1) <= 2)
    assert luck(scores, UP[:4], 1) == pytest.approx(as_good)
    assert luck(scores, UP[:4], 7) == pytest.approx(1 - (1 - as_good) ** 7)


def test_luck_is_certain_where_there_is_no_order_or_only_the_reverse() -> None:
    assert luck(np.array([0.5]), np.array([0.7]), 1) == 1
    assert luck(np.array([0.5, 0.5]), np.array([0.7, 0.8]), 3) == 1
    assert luck(UP[::-1], UP, 1) == pytest.approx(1)
    assert luck(UP[:2], UP[:2], 1) == pytest.approx(0.5)


def test_luck_of_many_runs_is_tiny_and_not_zero() -> None:
    ranks = np.arange(60.0)
    assert 0 < luck(ranks, ranks, 10_000) < 1e-70


@pytest.mark.parametrize("runs", [1, 2, 3, 4, 5])
def test_inversions_are_counted_as_enumeration_counts_them(runs: int) -> None:
    counts = np.zeros(runs * (runs - 1) // 2 + 1)
    for order in permutations(range(runs)):
        counts[sum(order[i] > order[j] for i in range(runs) for j in range(i + 1, runs))] += 1
    np.testing.assert_allclose(inversion_probabilities(runs), counts / counts.sum())


def test_kendall_equals_scipy_with_and_without_ties() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        ours, theirs = rng.integers(0, 6, 7) / 10, rng.random(7)
        assert kendall(ours, theirs) == pytest.approx(kendalltau(ours, theirs).statistic)
    assert isnan(kendall(np.array([0.5]), np.array([0.5]))) and isnan(kendall(np.full(3, 0.5), UP[:3]))


def test_discordant_pairs_by_run() -> None:
    wrong = discordant_pairs(np.array([[0.1, 0.3, 0.2], [0.1, 0.2, 0.2]]), UP[:3])
    np.testing.assert_array_equal(wrong, [[0, 1, 1], [0, 0, 0]])
