"""Greedy selection: members are added one at a time, again and again, whichever helps the score most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.blends import Weights
from analysis.matching.split_score import macro_f1
from analysis.run_predictions import Probabilities

Labels = NDArray[np.int64]

STEPS = 30  # additions tried: weights are multiples of 1/30 or coarser
SAME = 1e-12  # scores nearer than this are equal: sums of the same numbers in another order


@dataclass(frozen=True)
class Selection:
    """What was added, in order, and the macro F1 after each addition; the first `size` of them are the ensemble."""

    added: tuple[int, ...]
    scores: tuple[float, ...]
    size: int

    def weights(self, members: int) -> Weights:
        """How often each of M members was taken, as shares (M,)."""
        return np.bincount(self.added[: self.size], minlength=members) / self.size


def greedy_selection(probabilities: Probabilities, targets: Labels, steps: int = STEPS) -> Selection:
    """Select from M members' probabilities (M, n, C) for macro F1 of the mean against targets (n,).

    Each of `steps` times the member is added, with replacement, whose addition gives the highest macro F1; of equal
    ones the first. The ensemble is the shortest beginning of that list with the highest score. It starts empty, so the
    best single member comes first and the ensemble is never worse than it on these images.
    Caruana, Niculescu-Mizil, Crew, Ksikes: Ensemble Selection from Libraries of Models, ICML 2004.
    """
    order = np.argsort(targets, kind="stable")  # images of a class side by side
    by_class = np.ascontiguousarray(probabilities[:, order].transpose(0, 2, 1), np.float32)  # (M, C, n)
    starts = np.searchsorted(targets[order], np.arange(by_class.shape[1] + 1))
    total, sums = np.zeros(by_class.shape[1:], np.float32), np.empty(by_class.shape[1:], np.float32)
    added, scores = [], []
    for _ in range(steps):
        best, best_score = 0, -1.0
        for member, values in enumerate(by_class):
            score = _macro_f1(np.add(total, values, out=sums), starts)
            if score > best_score + SAME:
                best, best_score = member, score
        total += by_class[best]
        added.append(best)
        scores.append(best_score)
    size = 1 + int(np.argmax(np.array(scores) >= max(scores) - SAME))
    return Selection(tuple(added), tuple(scores), size)


def _macro_f1(sums: NDArray[np.float32], starts: NDArray[np.int64]) -> float:
    """Macro F1 of the highest of each column of sums (C, n), whose columns starts[c]..starts[c + 1] are of class c.

    Counting what equals the column's maximum takes a quarter of an argmax's time; where two classes tie, the argmax it
    is.
    """
    answers = sums == sums.max(0)  # (C, n)
    answered = [np.count_nonzero(row) for row in answers]
    if sum(answered) != answers.shape[1]:
        answers = sums.argmax(0) == np.arange(len(sums))[:, None]
        answered = [np.count_nonzero(row) for row in answers]
    hits = np.array([np.count_nonzero(row[starts[one] : starts[one + 1]]) for one, row in enumerate(answers)], float)
    return float(macro_f1(hits, np.array(answered) + np.diff(starts) - 2 * hits))
