"""Whether a file answers the classes in unusual shares: beside earlier submissions, and the estimated test prior."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.leaderboard.ledger import read_ledger
from analysis.leaderboard.prior_drift import PriorDrift, total_variation
from analysis.leaderboard.prior_estimate import same_images
from analysis.matching.label_shift import Shares, class_shares, em_prior
from analysis.run_predictions import RunPredictions, read_predictions
from data.errors import DataError
from data.submission import SubmissionForm
from runners.run_folder import RunFolder

USUAL = 0.10  # share of the answers that would have to move; good submissions differ by less
RESAMPLES = 20  # of persons, to see how far the estimate itself strays


@dataclass(frozen=True)
class FileDrift:
    """How far a file's class shares are from both, and how far they may be before it is unusual."""

    drift: PriorDrift
    usual_from_estimate: float
    usual_from_earlier: float

    def warnings(self) -> list[str]:
        """A sentence for each distance that is unusual."""
        found = []
        apart = self.drift.from_estimate
        if apart is not None and apart > self.usual_from_estimate:
            found.append(
                f"class shares are {apart:.3f} from the estimated test prior, more than "
                f"the usual {self.usual_from_estimate:.3f}."
            )
        if self.drift.from_earlier is not None and self.drift.from_earlier > self.usual_from_earlier:
            found.append(
                f"class shares are {self.drift.from_earlier:.3f} from those of earlier submissions, more than "
                f"the usual {self.usual_from_earlier:.3f}."
            )
        return found


def file_drift(
    runs: Path, labels: NDArray[np.int64], form: SubmissionForm, sha256: str, run: RunFolder | None
) -> FileDrift | None:
    """The drift of a file's classes (N,); None where no run in `runs` predicted the same test images.

    Earlier submissions are those in the ledger with other files; where there is none, the prior is estimated by `run`.
    Usual is :data:`USUAL` or what is met here: from the estimate, as far as an earlier submission is, or the estimate
    itself when persons are drawn again; from earlier ones, as far as one of them is from the mean of the others.
    """
    earlier = [
        predictions
        for row in read_ledger(runs)
        if row.sha256 != sha256
        if (predictions := _read(row.folder(runs), form)) is not None
    ]
    known = earlier or [each for each in [_read(run, form) if run else None] if each is not None]
    if not known:
        return None
    largest = max(known, key=lambda each: len(each.targets))
    estimated, noise = _estimate([each for each in known if each is largest or same_images(largest, each)])
    shares = [class_shares(each.test.argmax(1), len(form.answers)) for each in earlier]
    mean = np.mean(shares, axis=0) if shares else None
    drift = PriorDrift(class_shares(labels, len(form.answers)), estimated, mean, len(shares))
    usual = max([USUAL, noise, *(total_variation(each, estimated) for each in shares)])
    return FileDrift(drift, usual, max([USUAL, *_apart(shares)]))


def _estimate(runs: Sequence[RunPredictions]) -> tuple[Shares, float]:
    """Class shares (C,) of the test set by runs on the same images, and the farthest that resampling moves them."""
    targets, classes = runs[0].targets, runs[0].oof.shape[1]
    labels = np.stack([run.labels for run in runs])  # (E, n)
    test = np.stack([run.test_as_out_of_fold().argmax(1) for run in runs])  # (E, M)
    estimated = em_prior(targets, labels, test, classes)
    rows_of_person = list(pd.Series(range(len(targets))).groupby(runs[0].persons).indices.values())
    rng, moved = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        persons = rng.integers(len(rows_of_person), size=len(rows_of_person))
        drawn = np.concatenate([rows_of_person[person] for person in persons])
        moved.append(total_variation(em_prior(targets[drawn], labels[:, drawn], test, classes), estimated))
    return estimated, max(moved)


def _apart(shares: Sequence[Shares]) -> list[float]:
    """Distance of each of several shares (C,) from the mean of the others."""
    if len(shares) < 2:
        return []
    total = np.sum(shares, axis=0)
    return [total_variation(each, (total - each) / (len(shares) - 1)) for each in shares]


def _read(run: RunFolder, form: SubmissionForm) -> RunPredictions | None:
    """What a run predicted, None where it is gone or predicted other images or classes."""
    try:
        predictions = read_predictions(run)
    except DataError:  # a run that is damaged has no say; its loss is the leaderboard's to tell
        return None
    same = set(predictions.test_ids.tolist()) == set(form.ids) and predictions.test.shape[1] == len(form.answers)
    return predictions if same else None
