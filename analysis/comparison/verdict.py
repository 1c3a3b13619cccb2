"""Is one run better than another? The paired difference decides, not the order of two numbers."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from analysis.comparison.resampled import Estimate, Resampled
from analysis.matching.checked_arrays import Labels

Judgement = Literal["better", "worse", "not told apart"]
ROUNDING = 1e-12  # a difference of scores below it is none
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)


@dataclass(frozen=True)
class Flips:
    """Images and persons that changed sides: to right (a person: more images right than before), and to wrong."""

    images_right: int
    images_wrong: int
    persons_right: int
    persons_wrong: int


@dataclass(frozen=True)
class Verdict:
    """A run against another: difference in macro F1, its interval, and what it comes to."""

    difference: Estimate
    flips: Flips

    @property
    def judgement(self) -> Judgement:
        """ "better" or "worse" where the interval leaves 0 on one side."""
        if self.difference.low > ROUNDING:
            return "better"
        return "worse" if self.difference.high < -ROUNDING else "not told apart"


def judge(
    resampled: Resampled, targets: Labels, person_of_image: NDArray[np.int64], labels: Labels, run: int, against: int
) -> Verdict:
    """The verdict on a run against another, by their rows in labels (R, n) and columns in `resampled`.

    targets (n,), person_of_image (n,) an index from 0: those that were resampled.
    """
    flips = count_flips(targets, person_of_image, labels[run], labels[against])
    return Verdict(resampled.difference(run, against), flips)


def count_flips(targets: Labels, person_of_image: NDArray[np.int64], labels: Labels, before: Labels) -> Flips:
    """What changed from the predictions `before` (n,) to `labels` (n,)."""
    change = (labels == targets).astype(np.int64) - (before == targets)  # (n,) 1 to right, -1 to wrong
    of_person = np.bincount(person_of_image, change)  # (P,)
    return Flips(
        int((change > 0).sum()), int((change < 0).sum()), int((of_person > 0).sum()), int((of_person < 0).sum())
    )
