"""Whether the networks are as sure as they are right: the calibration curve and its expected error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.mistakes.judged_images import JudgedImages
from data.errors import DataError

BINS = 15  # as Guo et al. 2017, "On Calibration of Modern Neural Networks", use


@dataclass(frozen=True)
class Calibration:
    """Images in B bins of equal width by confidence: the probability of the class that was answered.

    A bin holds low < confidence <= high, the first one 0 too (as sklearn.calibration.calibration_curve does with
    strategy="uniform"). Means of an empty bin are NaN.
    """

    edges: NDArray[np.float64]  # (B + 1,) from 0 to 1
    images: NDArray[np.int64]  # (B,)
    confidence: NDArray[np.float64]  # (B,) mean
    accuracy: NDArray[np.float64]  # (B,) share that is right
    expected_error: float  # mean distance of accuracy from confidence, weighted by images: ECE, 0..1
    by_chance: float  # what the ECE of perfectly calibrated networks would be, by the finite number of images
    mean_confidence: float
    mean_accuracy: float

    @property
    def tendency(self) -> str:
        """In words: surer than right, less sure than right, or as sure as right."""
        difference = self.mean_confidence - self.mean_accuracy
        if self.expected_error <= 2 * self.by_chance:
            return "as sure as they are right"
        if abs(difference) < self.expected_error / 2:
            return "too sure of some images, too unsure of others"
        return "surer than they are right" if difference > 0 else "less sure than they are right"


def calibration(judged: JudgedImages, bins: int = BINS) -> Calibration:
    """Curve and expected calibration error of the answered class's probability; DataError for less than one bin."""
    if bins < 1:
        raise DataError(f"bins is {bins}; at least 1 is needed.")
    confidence = np.clip(judged.probabilities.max(1).astype(np.float64), 0, 1)  # (n,) rounding may leave 1.0000001
    right = ~judged.wrong
    edges = np.linspace(0, 1, bins + 1)
    bin_of_image = np.searchsorted(edges[1:-1], confidence)
    images = np.bincount(bin_of_image, minlength=bins)

    def mean(values: NDArray[np.generic]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            return np.bincount(bin_of_image, values.astype(np.float64), bins) / images

    curve, accuracy = mean(confidence), mean(right)
    # Of a calibrated bin the number of right images has the variance sum p (1 - p); the mean distance of a normal
    # variable from its mean is sqrt(2 / pi) standard deviations.
    deviation = np.sqrt(np.bincount(bin_of_image, confidence * (1 - confidence), bins))
    return Calibration(
        edges=edges,
        images=images,
        confidence=curve,
        accuracy=accuracy,
        expected_error=float(np.nansum(images * np.abs(accuracy - curve)) / images.sum()),
        by_chance=float(np.sqrt(2 / np.pi) * deviation.sum() / images.sum()),
        mean_confidence=float(confidence.mean()),
        mean_accuracy=float(right.mean()),
    )
