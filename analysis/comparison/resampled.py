"""Scores of runs on the same images with their intervals, and differences of two of them with theirs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.comparison.bootstrap import RESAMPLES, bootstrap_f1, interval, jackknife_deviation, leave_one_out_f1
from analysis.matching.split_score import Floats, score_splits

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A score or a difference of two, with the interval that holds it in 95 of 100 such samples of persons."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Resampled:
    """R runs on P persons: scores (R,), on resampled persons (B, R), without each person in turn (P, R)."""

    scores: Floats
    draws: Floats
    left_out: Floats

    def f1(self, run: int) -> Estimate:
        """Macro F1 of a run, by its column."""
        return self._estimate(self.scores[run], self.draws[:, run], self.left_out[:, run], 0.0)

    def difference(self, run: int, against: int) -> Estimate:
        """Macro F1 of a run less that of another, both on the same persons each time: paired."""
        return self._estimate(
            self.scores[run] - self.scores[against],
            self.draws[:, run] - self.draws[:, against],
            self.left_out[:, run] - self.left_out[:, against],
            -1.0,
        )

    def deviation(self, run: int, against: int) -> float:
        """Standard deviation of that difference: the bootstrap's or the jackknife's, whichever is larger."""
        difference = self.left_out[:, run] - self.left_out[:, against]
        spread = float((self.draws[:, run] - self.draws[:, against]).std())
        return max(spread, jackknife_deviation(difference)) if len(difference) > 1 else spread

    def _estimate(self, value: float, draws: Floats, left_out: Floats, lowest: float) -> Estimate:
        """The interval within what is possible, lowest..1; all of it for a single person, who shows no spread."""
        if len(left_out) < 2:
            return Estimate(float(value), lowest, 1.0)
        low, high = interval(draws, LEVEL, estimate=float(value), deviation=jackknife_deviation(left_out))
        return Estimate(float(value), max(lowest, low), min(1.0, high))


def resample(
    targets: ArrayLike,
    persons: ArrayLike,
    labels: ArrayLike,
    classes: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """Score R runs, labels (R, n), on n images: as they are, resampled by person, and without each person.

    Arguments and errors as those of :func:`analysis.comparison.bootstrap.bootstrap_f1`.
    """
    everybody = np.ones((1, np.unique(np.asarray(persons)).size), np.uint8)
    return Resampled(
        draws=bootstrap_f1(targets, persons, labels, classes, resamples=resamples, seed=seed),
        left_out=leave_one_out_f1(targets, persons, labels, classes),
        scores=score_splits(targets, persons, labels, everybody)[0],
    )
