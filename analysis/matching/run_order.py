"""Do a split's scores rank the runs as the leaderboard does, and how easily would luck have done the same?"""

from math import isnan, nan, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def discordant_pairs(scores: Floats, leaderboard: Floats) -> NDArray[np.int64]:
    """For each candidate and run, how many other runs stand on the wrong side of it: scores (S, E) -> (S, E).

    The sum over a row is twice the candidate's discordant pairs; ties are not discordant.
    """
    wrong = np.empty(scores.shape, np.int64)
    for run in range(scores.shape[1]):
        wrong[:, run] = ((scores - scores[:, [run]]) * (leaderboard - leaderboard[run]) < 0).sum(1)
    return wrong


def kendall(scores: Floats, leaderboard: Floats) -> float:
    """Kendall's tau-b of one candidate's scores (E,) with the leaderboard (E,); NaN where either has no order."""
    ours, theirs = pair_signs(scores), pair_signs(leaderboard)
    untied = float((ours != 0).sum()) * float((theirs != 0).sum())
    return float((ours * theirs).sum()) / sqrt(untied) if untied else nan


def luck(scores: Floats, leaderboard: Floats, candidates: int) -> float:
    """Probability that the best of `candidates` meaningless splits ranks the E runs as well as `scores` (E,) do.

    A meaningless split ranks them in any order with equal probability, and independently of the others; candidates
    that overlap are fewer than they look, so this errs to the side of doubt. 10 splits and 3 runs in the
    leaderboard's order: 1 - (1 - 1/6)^10 = .84.
    """
    if isnan(kendall(scores, leaderboard)):
        return 1.0
    concordant_minus_discordant = int((pair_signs(scores) * pair_signs(leaderboard)).sum()) // 2
    pairs = len(scores) * (len(scores) - 1) // 2
    inversions = (pairs - concordant_minus_discordant) // 2        # a tie counts as half of one
    one = float(inversion_probabilities(len(scores))[: inversions + 1].sum())
    return 1.0 if one >= 1 else float(-np.expm1(candidates * np.log1p(-one)))


def pair_signs(scores: Floats) -> NDArray[np.int64]:
    """Which run of each pair is ahead: sign of the difference, (E, E)."""
    return np.sign(np.subtract.outer(scores, scores)).astype(np.int64)


def inversion_probabilities(runs: int) -> Floats:
    """Probability that a random order of `runs` runs has 0, 1, ... inversions: (runs (runs - 1) / 2 + 1,).

    The i-th run inserted adds 0..i inversions with equal probability: a convolution of uniform distributions.
    """
    probabilities = np.ones(1)
    for inserted in range(2, runs + 1):
        probabilities = np.convolve(probabilities, np.full(inserted, 1 / inserted))
    return probabilities
