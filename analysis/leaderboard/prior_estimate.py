"""Class shares of the test set, by all runs that predicted the same images together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.matching.label_shift import em_prior
from analysis.run_predictions import RunPredictions


def estimated_prior(run: RunPredictions, others: Sequence[RunPredictions]) -> NDArray[np.float64] | None:
    """Estimated class shares (C,) by `run` and those of the others on the same images; None without test images.

    Out-of-fold confusion corrects test predictions that were made as the out-of-fold ones are, one network an image.
    """
    if not len(run.test):
        return None
    alike = [run, *(other for other in others if other is not run and same_images(run, other))]
    labels = np.stack([each.labels for each in alike])                                      # (E, n)
    as_oof = np.stack([each.test_as_out_of_fold().argmax(1) for each in alike])             # (E, M)
    return em_prior(run.targets, labels, as_oof, run.oof.shape[1])


def same_images(first: RunPredictions, second: RunPredictions) -> bool:
    """Whether two runs predicted the same training images of the same classes, and test images, in the same order."""
    return first.oof.shape == second.oof.shape and all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("image_ids", "targets", "test_ids")
    )
