"""How far a macro F1 strays because of the persons it was measured on: the leaderboard's own sampling noise."""

import numpy as np
from numpy.typing import NDArray

from analysis.matching.split_score import Labels, weighted_sums

Floats = NDArray[np.float64]


def score_deviation(
    targets: Labels, person_of_image: NDArray[np.int64], labels: Labels, weights: Floats, drawn_persons: float
) -> Floats:
    """Standard deviation (E,) of E runs' macro F1 on a set of `drawn_persons` persons, drawn as whole persons.

    targets (N,), person_of_image (N,) index, labels (E, N) out-of-fold, weights (N,) >= 0 that give the images the
    set's mix. First order (delta method): the influence of each person on the score, squared and averaged over persons.
    Images of a person stray together; a deviation that took them for independent would be about 40 % too small.
    """
    hits, misses = weighted_sums(targets, labels, weights)                              # (E, C) each
    sizes = 2 * hits + misses
    present = sizes > 0
    f1 = np.divide(2 * hits, sizes, out=np.zeros_like(sizes), where=present)
    slope = np.divide(1, sizes, out=np.zeros_like(sizes), where=present) / present.sum(1, keepdims=True)
    person_weight = np.bincount(person_of_image, weights) / np.bincount(person_of_image)    # (P,)
    total = person_weight.sum()
    variances = []
    for run, predicted in enumerate(labels):
        # An image moves its class's F1 by (2 [hit] - F1) / size, and the F1 of the class it was given by -F1 / size.
        influence = (2 * (predicted == targets) - f1[run, targets]) * slope[run, targets]   # (N,)
        influence -= f1[run, predicted] * slope[run, predicted]
        moved = np.bincount(person_of_image, influence * weights) * total                   # (P,) weight x influence
        squares = np.divide(moved**2, person_weight, out=np.zeros_like(moved), where=person_weight > 0)
        variances.append(squares.sum() / total / drawn_persons)
    return np.sqrt(variances)
