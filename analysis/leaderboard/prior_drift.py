"""How far the classes a submission predicts are from those the test set is thought to hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.leaderboard.prior_estimate import estimated_prior
from analysis.matching.label_shift import class_shares
from analysis.run_predictions import RunPredictions, read_predictions
from data.errors import DataError
from runners.run_folder import RunFolder

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class PriorDrift:
    """Class shares (C,) of the test set: predicted by the submission, estimated, and by the earlier submissions.

    The estimate corrects test predictions by out-of-fold confusion, of this run and of the earlier ones on the same
    images. A submission far from it favours classes that its own errors say are rarer; one run of few persons, though,
    makes a poor estimate.
    """

    predicted: Shares
    estimated: Shares
    earlier: Shares | None      # mean of the submissions registered before on the same test images
    earlier_count: int

    @property
    def from_estimate(self) -> float:
        """Total variation distance to the estimated shares: the share of answers that would have to move, 0..1."""
        return total_variation(self.predicted, self.estimated)

    @property
    def from_earlier(self) -> float | None:
        """The same to the mean of earlier submissions, None for the first."""
        return None if self.earlier is None else total_variation(self.predicted, self.earlier)

    def lines(self, class_names: Sequence[str]) -> list[str]:
        """The drift in two or three short lines, with the class that differs most."""
        most = int(np.abs(self.predicted - self.estimated).argmax())
        texts = [f"{self.from_estimate:.3f} from the estimated test prior, most of it in class {class_names[most]}:",
                 f"predicted {self.predicted[most]:.1%}, estimated {self.estimated[most]:.1%}"]
        if self.from_earlier is not None:
            plural = "s" * (self.earlier_count != 1)
            texts.append(f"{self.from_earlier:.3f} from the {self.earlier_count} earlier submission{plural}")
        return texts


def prior_drift(run: RunFolder, earlier: Sequence[RunFolder]) -> PriorDrift:
    """The drift of a finished run's submission; earlier runs that are gone or on other test images do not count."""
    now = read_predictions(run)
    if not len(now.test):
        raise DataError(f"{run.test} has no test images, so there is nothing to hand in.")
    classes = now.test.shape[1]
    before = [other for other in map(_read, earlier) if other is not None]
    estimated = estimated_prior(now, before)
    assert estimated is not None  # noqa: S101  (there are test images)
    shares = [
        class_shares(other.test.argmax(1), classes) for other in before
        if other.test.shape == now.test.shape and set(other.test_ids) == set(now.test_ids)
    ]
    mean = np.mean(shares, axis=0) if shares else None
    return PriorDrift(class_shares(now.test.argmax(1), classes), estimated, mean, len(shares))


def total_variation(first: Shares, second: Shares) -> float:
    """Half the sum of absolute differences of two distributions (C,)."""
    return float(np.abs(first - second).sum() / 2)


def _read(run: RunFolder) -> RunPredictions | None:
    try:
        return read_predictions(run)
    except DataError:           # a run deleted since has no say, and its loss is the table's to tell
        return None
