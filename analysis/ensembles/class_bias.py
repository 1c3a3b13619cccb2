"""A number added to the logarithm of each class's probability so that macro F1 is highest: rare classes need a push."""

import numpy as np
from numpy.typing import NDArray

from analysis.matching.split_score import macro_f1

Floats = NDArray[np.float64]

SPAN = 2.0  # a probability is changed by at most a factor e^2 = 7.4: further is noise of few images
GRID = np.round(np.arange(-SPAN, SPAN + 0.01, 0.05), 2)  # values of a bias, (G,)
PASSES = 3  # over all classes; later ones change nothing that holds on other persons
BETTER = 1e-12


def class_bias(logs: NDArray[np.floating], targets: NDArray[np.int64], weights: Floats | None = None) -> Floats:
    """Bias (C,) for which the argmax of logs (n, C) + bias has the highest macro F1 against targets (n,).

    weights (n,) >= 0 of the images, None for 1 each. Coordinate ascent over :data:`GRID`: for one class at a time all
    its values are scored at once, exactly, the others held; of equally good ones the nearest to 0. Tuning each class's
    decision for F1: Lipton, Elkan, Naryanaswamy: Optimal Thresholding of Classifiers to Maximize F1 Measure (2014).
    """
    each = np.ones(targets.size) if weights is None else weights
    biased = logs.astype(np.float64)
    bias = np.zeros(logs.shape[1])
    gentlest = np.argsort(np.abs(GRID), kind="stable")
    for _ in range(PASSES):
        before = bias.copy()
        for one in range(len(bias)):
            scores = _scores_of_class(biased, logs[:, one], one, targets, each)[gentlest]
            bias[one] = GRID[gentlest[np.argmax(scores >= scores.max() - BETTER)]]
            biased[:, one] = logs[:, one] + bias[one]
        if np.array_equal(before, bias):
            break
    return bias


def _scores_of_class(
    biased: Floats, own: NDArray[np.floating], one: int, targets: NDArray[np.int64], weights: Floats
) -> Floats:
    """Macro F1 (G,) for every value of the bias of class `one`, whose logarithms without it are `own` (n,).

    An image answers its best other class up to some value and class `one` from there on, so that counts at all values
    are running sums over the values where images change over.
    """
    classes = biased.shape[1]
    others = biased.copy()
    others[:, one] = -np.inf
    rival = others.argmax(1)  # (n,)
    lead = others[np.arange(targets.size), rival] - own  # the bias must make up for it
    above, equal = (np.searchsorted(GRID, lead, side=side) for side in ("right", "left"))
    changes = np.where(one < rival, equal, above)  # (n,) first value that is; of equal classes argmax takes the first

    def table(rows: NDArray[np.bool_], answers: NDArray[np.int64]) -> Floats:
        """Weight of `rows` that changed over by each value of the bias, per class of `answers`: (G, C)."""
        cells = np.bincount(changes[rows] * classes + answers[rows], weights[rows], (len(GRID) + 1) * classes)
        summed: Floats = cells.reshape(-1, classes)[:-1].cumsum(0)
        return summed

    def count(rows: NDArray[np.bool_], answers: NDArray[np.int64]) -> Floats:
        return np.bincount(answers[rows], weights[rows], classes).astype(np.float64)

    everything = np.ones(targets.size, bool)
    rival_right = rival == targets
    hits = count(rival_right, rival) - table(rival_right, rival)  # (G, C)
    answered = count(everything, rival) - table(everything, rival)
    hits[:, one] = table(targets == one, targets)[:, one]
    answered[:, one] = table(everything, rival).sum(1)
    misses = answered + count(everything, targets) - 2 * hits
    return macro_f1(hits.round(9), misses.round(9))
