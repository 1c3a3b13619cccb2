"""Which members earn their place: those without whom the ensemble would be worse by more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.comparison.resampled import resample
from analysis.ensembles.cross_fit import cross_fitted
from analysis.ensembles.members import Members
from analysis.ensembles.recipe import Method
from callbacks.metrics import confusion_matrix, macro_f1

Labels = NDArray[np.int64]

RESAMPLES = 1000  # a standard deviation to within 2 %


@dataclass(frozen=True)
class Contribution:
    """What a member adds to the others: macro F1 with it less without it, cross-fitted."""

    name: str
    gain: float
    noise: float  # standard deviation of the gain with the persons it is measured on

    @property
    def enough(self) -> bool:
        """Whether it adds more than the noise."""
        return self.gain > self.noise


@dataclass(frozen=True)
class Kept:
    """Members that stay, with what each adds, and those that were dropped, in that order."""

    rows: tuple[int, ...]  # of the members given
    stayed: tuple[Contribution, ...]  # beside all others that stayed; empty where one member is left
    dropped: tuple[Contribution, ...]  # each beside those that were still there


def keep_members(members: Members, method: Method, groups: Labels) -> Kept:
    """Drop the member that adds least, learn again, and so on until each adds more than the noise or one is left.

    One at a time, because of two members alike neither adds anything to the other, and one of them is needed. What the
    others score without a member is learnt again without it, cross-fitted. Stacking, which would take minutes, judges
    by the geometric mean of the log-probabilities it learns from. Corrections of the blend have no say.
    """
    judged_by = Method.GEOMETRIC if method is Method.STACKING else method
    rows = list(range(len(members.names)))
    dropped: list[Contribution] = []
    while len(rows) > 1:
        found = _contributions(members, rows, judged_by, groups)
        too_little = [row for row, each in enumerate(found) if not each.enough]
        if not too_little:
            return Kept(tuple(rows), tuple(found), tuple(dropped))
        least = min(too_little, key=lambda row: found[row].gain)
        dropped.append(found[least])
        del rows[least]
    return Kept(tuple(rows), (), tuple(dropped))


def _contributions(members: Members, rows: Sequence[int], method: Method, groups: Labels) -> list[Contribution]:
    """What each of some members adds to the others of them, by a bootstrap that draws the same persons for both."""
    classes = len(members.class_names)
    beside = [[row for row in rows if row != left_out] for left_out in (None, *rows)]
    labels = np.stack([cross_fitted(members.take(some), method, groups) for some in beside])  # (1 + M, n)
    resampled = resample(members.targets, members.persons, labels, classes, resamples=RESAMPLES)
    noise = [resampled.deviation(0, without) for without in range(1, len(labels))]
    scores = [macro_f1(confusion_matrix(members.targets, each, classes)) for each in labels]
    return [
        Contribution(members.names[row], scores[0] - score, float(each))
        for row, score, each in zip(rows, scores[1:], noise, strict=True)
    ]
