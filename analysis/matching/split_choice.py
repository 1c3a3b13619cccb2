"""Which candidates come out most like the leaderboard, each submission judged by a choice made without it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.matching.run_order import discordant_pairs, kendall, luck

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BEST_SHARE, FEWEST_BEST, MOST_BEST = 50, 5, 50      # the best 1 in 50 candidates, at least 5, at most 50
RESAMPLES = 1_000


@dataclass(frozen=True)
class Judgement:
    """How near one way of estimating comes to the leaderboard.

    residuals (K, E): estimate minus public score of each run, from K choices made without that run's score. scores (E,)
    are the estimate's own, made with all runs; candidates is how many it was chosen from.
    """

    residuals: Floats
    scores: Floats
    kendall: float
    luck: float
    candidates: int

    @property
    def error(self) -> float:
        """Leave-one-submission-out root mean square error."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    def interval(self, seed: int) -> tuple[float, float]:
        """95 % percentile bootstrap interval of the error over submissions; equal ends for a single one."""
        per_run = (self.residuals**2).mean(0)
        drawn = np.random.default_rng([seed, RESAMPLES]).integers(0, per_run.size, (RESAMPLES, per_run.size))
        low, high = np.quantile(np.sqrt(per_run[drawn].mean(1)), (0.025, 0.975))
        return float(low), float(high)


@dataclass(frozen=True)
class Choice:
    """The candidates of one family that fit best: `best` (K,) their indices, the best first."""

    best: Ints
    single: Judgement           # of a split alone
    average: Judgement          # of the mean score of the K best


def judge_reference(scores: Floats, leaderboard: Floats) -> Judgement:
    """An estimate that was not chosen by any score: scores (E,)."""
    return judgement((scores - leaderboard)[None], scores, leaderboard, candidates=1)


def choose(scores: Floats, leaderboard: Floats, noise: float) -> Choice:
    """The candidates nearest the leaderboard: scores (S, E), leaderboard (E,), noise: its standard deviation.

    For each submission the candidates are ranked without it, the K best are taken, and only then is its score looked
    at. A split is judged by all K of them: they fit equally well within the noise, and the very best is the luckiest.
    """
    wrong = discordant_pairs(scores, leaderboard)                                       # (S, E)
    wrong_pairs = wrong.sum(1) // 2
    count = min(len(scores), max(FEWEST_BEST, min(MOST_BEST, len(scores) // BEST_SHARE)))
    residuals = np.empty((count, leaderboard.size))
    for run in range(leaderboard.size):
        others, other_scores = np.delete(leaderboard, run), np.delete(scores, run, axis=1)
        rank = np.argsort(misfit(other_scores, others, wrong_pairs - wrong[:, run], noise), kind="stable")
        residuals[:, run] = scores[rank[:count], run] - leaderboard[run]
    best = np.argsort(misfit(scores, leaderboard, wrong_pairs, noise), kind="stable")[:count]
    single = judgement(residuals, scores[best[0]], leaderboard, len(scores))
    average = judgement(residuals.mean(0, keepdims=True), scores[best].mean(0), leaderboard, len(scores))
    return Choice(best, single, average)


def misfit(scores: Floats, leaderboard: Floats, wrong_pairs: Ints, noise: float) -> Floats:
    """Mean squared error of each candidate + noise^2 x its share of run pairs in the wrong order, (S,)."""
    runs = leaderboard.size
    error = ((scores - leaderboard) ** 2).sum(1) / max(runs, 1)
    return error + noise**2 * wrong_pairs / max(runs * (runs - 1) / 2, 1)


def judgement(residuals: Floats, scores: Floats, leaderboard: Floats, candidates: int) -> Judgement:
    """A judgement with its order and luck worked out."""
    return Judgement(
        residuals=residuals, scores=scores, candidates=candidates,
        kendall=kendall(scores, leaderboard), luck=luck(scores, leaderboard, candidates),
    )
