"""Candidates are judged on submissions they were not chosen by."""

import numpy as np
import pytest

from analysis.matching.run_order import kendall, luck
from analysis.matching.split_choice import choose, judge_reference, misfit

BOARD = np.array([0.70, 0.72, 0.75, 0.71, 0.78])


def many_scores(seed: int = 0, candidates: int = 400) -> np.ndarray:
    return BOARD + np.random.default_rng(seed).normal(0, 0.02, (candidates, 1)) + np.random.default_rng(
        seed + 1).normal(0, 0.01, (candidates, 5))


def by_hand(scores: np.ndarray, board: np.ndarray, noise: float, count: int) -> np.ndarray:
    """Residuals (count, E) by the definition: leave the run out, rank, look at its score."""
    residuals = []
    for run in range(board.size):
        rest = [other for other in range(board.size) if other != run]
        fit = [
            np.mean((row[rest] - board[rest]) ** 2)
            + noise**2 * np.mean([(row[i] - row[j]) * (board[i] - board[j]) < 0 for i in rest for j in rest if i < j])
            for row in scores
        ]
        residuals.append(scores[np.argsort(fit, kind="stable")[:count], run] - board[run])
    return np.array(residuals).T


def test_residuals_are_those_of_the_definition() -> None:
    scores = many_scores()
    choice = choose(scores, BOARD, noise=0.01)
    np.testing.assert_allclose(choice.single.residuals, by_hand(scores, BOARD, 0.01, 8))
    np.testing.assert_allclose(choice.average.residuals, by_hand(scores, BOARD, 0.01, 8).mean(0, keepdims=True))
    assert choice.single.error == pytest.approx(np.sqrt(np.mean(choice.single.residuals**2)))


@pytest.mark.parametrize("run", range(5))
def test_a_submissions_own_score_never_chooses_the_split_it_is_judged_by(run: int) -> None:
    scores = many_scores(3)
    before = choose(scores, BOARD, noise=0.01)
    moved = BOARD.copy()
    moved[run] += 0.15
    after = choose(scores, moved, noise=0.01)
    estimate_before = before.single.residuals[:, run] + BOARD[run]
    estimate_after = after.single.residuals[:, run] + moved[run]
    np.testing.assert_allclose(estimate_after, estimate_before, atol=1e-12)     # the very same splits
    others = [other for other in range(5) if other != run]
    assert not np.allclose(after.single.residuals[:, others], before.single.residuals[:, others])


def test_noise_fitted_on_one_run_does_not_pass_for_skill() -> None:
    scores = np.random.default_rng(5).normal(0.75, 0.05, (5000, 5))             # candidates that know nothing
    choice = choose(scores, BOARD, noise=0.01)
    fitted = np.sqrt(np.mean((scores[choice.best[0]] - BOARD) ** 2))
    assert fitted < 0.01 and choice.single.error > 0.04


def test_the_best_is_the_smallest_misfit_on_all_submissions() -> None:
    scores = many_scores(7)
    choice = choose(scores, BOARD, noise=0.02)
    pairs = [(one, other) for one in range(5) for other in range(one)]
    wrong = np.array([sum((row[i] - row[j]) * (BOARD[i] - BOARD[j]) < 0 for i, j in pairs) for row in scores])
    expected = np.mean((scores - BOARD) ** 2, axis=1) + 0.02**2 * wrong / 10
    np.testing.assert_allclose(misfit(scores, BOARD, wrong, 0.02), expected)
    np.testing.assert_array_equal(choice.best, np.argsort(expected)[: len(choice.best)])
    best = scores[choice.best[0]]
    assert choice.single.kendall == kendall(best, BOARD) and choice.single.luck == luck(best, BOARD, 400)
    np.testing.assert_allclose(choice.average.scores, scores[choice.best].mean(0))


def test_order_decides_between_equal_errors() -> None:
    board = np.array([0.70, 0.71])
    scores = np.array([[0.71, 0.70], [0.69, 0.72], [0.71, 0.70]])               # all off by .01, one in the right order
    assert choose(scores, board, noise=0.01).best[0] == 1


@pytest.mark.parametrize(("candidates", "count"), [(1, 1), (4, 4), (5, 5), (40, 5), (1000, 20), (9000, 50)])
def test_how_many_of_the_best_are_kept(candidates: int, count: int) -> None:
    choice = choose(many_scores(1, candidates), BOARD, noise=0.01)
    assert choice.best.shape == (count,) and choice.single.residuals.shape == (count, 5)
    assert choice.average.residuals.shape == (1, 5) and choice.single.candidates == candidates


def test_a_single_submission_is_judged_by_splits_nothing_chose() -> None:
    scores = many_scores(9)[:, :1]
    choice = choose(scores, BOARD[:1], noise=0.01)
    np.testing.assert_allclose(choice.single.residuals[:, 0], scores[:8, 0] - BOARD[0])
    assert abs(scores[choice.best[0], 0] - BOARD[0]) == np.abs(scores[:, 0] - BOARD[0]).min()
    assert np.isnan(choice.single.kendall) and choice.single.luck == 1


def test_a_references_error_is_its_distance() -> None:
    judged = judge_reference(BOARD + np.array([0.03, -0.01, 0.02, 0.0, 0.01]), BOARD)
    assert judged.error == pytest.approx(np.sqrt(np.mean(np.array([0.03, 0.01, 0.02, 0, 0.01]) ** 2)))
    low, high = judged.interval(seed=0)
    assert 0 < low < judged.error < high < 0.03 and judged.interval(seed=0) == (low, high)
    assert judged.candidates == 1
    alone = judge_reference(BOARD[:1] + 0.02, BOARD[:1])
    assert alone.interval(seed=1) == pytest.approx((0.02, 0.02))
