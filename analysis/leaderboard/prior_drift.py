"""How far the classes a submission predicts are from those the test set is thought to hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.leaderboard.prior_estimate import estimated_prior
from analysis.matching.label_shift import class_shares
from analysis.run_predictions import RunPredictions, is_final_fit, read_predictions, read_test
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
    estimated: Shares | None    # None where no run with out-of-fold predictions is known
    earlier: Shares | None      # mean of the submissions registered before on the same test images
    earlier_count: int

    @property
    def from_estimate(self) -> float | None:
        """Total variation distance to the estimated shares: the share of answers that would have to move, 0..1."""
        return None if self.estimated is None else total_variation(self.predicted, self.estimated)

    @property
    def from_earlier(self) -> float | None:
        """The same to the mean of earlier submissions, None for the first."""
        return None if self.earlier is None else total_variation(self.predicted, self.earlier)

    def lines(self, class_names: Sequence[str]) -> list[str]:
        """The drift in two or three short lines, with the class that differs most."""
        if self.estimated is None:
            texts = ["not known: this is a final fit, and no run with folds was handed in before"]
        else:
            most = int(np.abs(self.predicted - self.estimated).argmax())
            apart = total_variation(self.predicted, self.estimated)
            texts = [f"{apart:.3f} from the estimated test prior, most of it in class {class_names[most]}:",
                     f"predicted {self.predicted[most]:.1%}, estimated {self.estimated[most]:.1%}"]
        if self.from_earlier is not None:
            plural = "s" * (self.earlier_count != 1)
            texts.append(f"{self.from_earlier:.3f} from the {self.earlier_count} earlier submission{plural}")
        return texts


def prior_drift(run: RunFolder, earlier: Sequence[RunFolder]) -> PriorDrift:
    """The drift of a finished run's submission; earlier runs that are gone or on other test images do not count.

    A final fit has no out-of-fold confusion: the estimate is that of the earlier runs, None without any.
    """
    test_ids, test = read_test(run)
    if not len(test):
        raise DataError(f"{run.test} has no test images, so there is nothing to hand in.")
    classes = test.shape[1]
    before = [other for other in map(_read, earlier) if other is not None]
    alike = [other for other in before if other.test.shape == test.shape and set(other.test_ids) == set(test_ids)]
    known = _with_folds(run, alike)
    estimated = None if known is None else estimated_prior(known, before)
    shares = [class_shares(other.test.argmax(1), classes) for other in alike]
    mean = np.mean(shares, axis=0) if shares else None
    return PriorDrift(class_shares(test.argmax(1), classes), estimated, mean, len(shares))


def total_variation(first: Shares, second: Shares) -> float:
    """Half the sum of absolute differences of two distributions (C,)."""
    return float(np.abs(first - second).sum() / 2)


def _with_folds(run: RunFolder, alike: Sequence[RunPredictions]) -> RunPredictions | None:
    """The run's own predictions, or for a final fit those of the latest run on the same test images."""
    if not is_final_fit(run):
        return read_predictions(run)
    return alike[-1] if alike else None


def _read(run: RunFolder) -> RunPredictions | None:
    try:
        return read_predictions(run)
    except DataError:           # a run deleted since has no say, and its loss is the table's to tell
        return None
