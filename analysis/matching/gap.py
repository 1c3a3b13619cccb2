"""Why a public score differs from the out-of-fold score: leak, label shift, sampling noise, and what none explains."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.matching.checked_arrays import checked_labels, checked_persons, checked_predictions, checked_scores
from analysis.matching.label_shift import em_prior, label_weights
from analysis.matching.score_noise import score_deviation
from analysis.matching.split_score import weighted_macro_f1
from data.errors import DataError

TWO_SIDED = 1.96            # standard deviations either side that hold 95 %


@dataclass(frozen=True)
class Gap:
    """Public minus out-of-fold macro F1 of one submission, in parts: public - oof = leak + label_shift + rest.

    leak: what the out-of-fold score loses without the leaked images, <= 0 where they flattered it. label_shift: what it
    then gains when its classes are weighted to the test set's shares. rest: what is left for the leaderboard's noise (a
    standard deviation, with the number of persons it was reckoned for) and for other shifts. None: not looked at.
    """

    public: float
    oof: float
    leak: float | None
    label_shift: float | None
    rest: float
    noise: float
    public_persons: float

    @property
    def total(self) -> float:
        """Public minus out-of-fold score."""
        return self.public - self.oof

    @property
    def within_noise(self) -> bool:
        """Whether the rest is no more than drawing other persons could have made it, 19 times in 20."""
        return abs(self.rest) <= TWO_SIDED * self.noise

    @property
    def text(self) -> str:
        """The parts in one paragraph."""
        sentences = [f"Public score {self.public:.4f}, out-of-fold score {self.oof:.4f}: a gap of {self.total:+.4f}."]
        if self.leak is None:
            sentences.append("Leak was not looked for.")
        else:
            sentences.append(f"Leaked images account for {self.leak:+.4f} of it.")
        if self.label_shift is None:
            sentences.append("Label shift was not estimated, for want of test predictions.")
        else:
            sentences.append(f"Label shift (classes weighted to their test shares): {self.label_shift:+.4f}.")
        band = f"+-{TWO_SIDED * self.noise:.4f}, 95 %"
        noise = f"the noise of a score on about {self.public_persons:.0f} persons ({band})"
        if self.within_noise:
            sentences.append(f"The remaining {self.rest:+.4f} is within {noise}.")
        else:
            sentences.append(f"The remaining {self.rest:+.4f} is beyond {noise}: the test images differ in more.")
        return " ".join(sentences)


def explain_gap(
    targets: ArrayLike, persons: ArrayLike, oof: ArrayLike, public: float, *,
    test: ArrayLike | None = None, prior: ArrayLike | None = None, leaked: ArrayLike | None = None,
    public_persons: float | None = None,
) -> Gap:
    """The gap of one submission.

    targets (N,); persons (N,); oof (N,) labels or (N, C) probabilities; public: its macro F1 in 0..1. test (M,) or
    (M, C): the submission's own predictions, from which the class shares are estimated, unless prior (C,) gives them
    (all runs together estimate them better). leaked: bool, (N,) images or (P,) sorted unique persons that are on both
    sides. public_persons: behind the public score; None: those of half of the test images, or all persons without any.
    Raises DataError where shapes do not fit, or where every image has leaked.
    """
    true = checked_labels(targets, "targets").astype(np.int64)
    person_of_image, unique_persons = checked_persons(persons, true.size)
    labels = checked_predictions(np.asarray(oof)[None], true.size, "oof").astype(np.int64)
    public = float(checked_scores([public], 1, "public")[0])
    unseen = None if test is None else checked_predictions(np.asarray(test)[None], None, "test").astype(np.int64)
    if public_persons is None:
        tested = 2 * true.size if unseen is None else unseen.shape[1]
        public_persons = tested / 2 * len(unique_persons) / true.size

    weights = np.ones(true.size)
    scores = [float(weighted_macro_f1(true, labels, weights)[0])]
    if leaked is not None:
        weights = (~leaked_images(leaked, person_of_image, len(unique_persons))).astype(np.float64)
        scores.append(float(weighted_macro_f1(true, labels, weights)[0]))
    shares = class_prior(prior, true, labels, unseen)
    if shares is not None:
        weights = shifted_weights(true, weights > 0, shares)
        scores.append(float(weighted_macro_f1(true, labels, weights)[0]))
    steps = iter(np.diff(scores).tolist())
    return Gap(
        public=public, oof=scores[0], leak=None if leaked is None else next(steps),
        label_shift=None if shares is None else next(steps), rest=public - scores[-1],
        noise=float(score_deviation(true, person_of_image, labels, weights, public_persons)[0]),
        public_persons=float(public_persons),
    )


def leaked_images(leaked: ArrayLike, person_of_image: NDArray[np.int64], person_count: int) -> NDArray[np.bool_]:
    """Which images leaked, (N,), from a mask of images or of persons; DataError where none is left."""
    mask = np.asarray(leaked)
    if mask.dtype != bool or mask.shape not in ((person_of_image.size,), (person_count,)):
        raise DataError(
            f"leaked: {mask.dtype} of shape {mask.shape} found, bool of shape ({person_of_image.size},) for images or "
            f"({person_count},) for persons is needed."
        )
    images = mask if mask.shape == person_of_image.shape else mask[person_of_image]
    if images.all():
        raise DataError("leaked: every image is marked, so no honest out-of-fold score is left.")
    return images


def class_prior(
    prior: ArrayLike | None, targets: NDArray[np.int64], labels: NDArray[np.int64], unseen: NDArray[np.int64] | None
) -> NDArray[np.float64] | None:
    """The test set's class shares as given, or estimated from test predictions (1, M); None without either."""
    if prior is not None:
        shares = np.asarray(prior, np.float64)
        if shares.ndim != 1 or shares.size <= targets.max() or not (shares >= 0).all() or not shares.sum() > 0:
            raise DataError(f"prior: {shares.shape} found, ({targets.max() + 1},) or more shares >= 0 are needed.")
        return shares / shares.sum()
    if unseen is None:
        return None
    return em_prior(targets, labels, unseen, 1 + int(max(targets.max(), labels.max(), unseen.max())))


def shifted_weights(
    targets: NDArray[np.int64], kept: NDArray[np.bool_], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights (N,) under which the kept images have the class shares `shares`; 0 for the others."""
    weights = np.zeros(targets.size)
    weights[kept] = label_weights(targets[kept], shares)
    return weights
