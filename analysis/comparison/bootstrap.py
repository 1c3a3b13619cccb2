"""How far macro F1 strays with the persons it is measured on: runs scored on the same resampled persons."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.matching.checked_arrays import Labels, checked_labels, checked_persons, checked_predictions
from analysis.matching.split_score import Floats, blocks, macro_f1, person_counts, score_splits
from data.errors import DataError

RESAMPLES = 2000
WEIGHT_BYTES = 256 * 2**20  # of one block of resamples; more are drawn block by block
DRAWN_AT_ONCE = 2**20  # persons, while they are counted


def bootstrap_f1(
    targets: ArrayLike,
    persons: ArrayLike,
    labels: ArrayLike,
    classes: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Macro F1 of R runs on `resamples` draws of whole persons with replacement: (resamples, R).

    targets (n,) int in 0..classes-1; persons (n,); labels (R, n), each run's predictions of the same images. All runs
    are scored on the same draws, so that the difference of two columns is paired; the same seed draws the same
    persons. A resample's score is ``sklearn.metrics.f1_score(average="macro")`` of the drawn images: classes absent
    from targets and predictions are not averaged. Raises DataError where shapes do not fit or a class is out of range.
    Efron, Tibshirani: An Introduction to the Bootstrap (1993); whole persons because a person's images err together.
    """
    targets, person_of_image, labels, unique_persons = _checked(targets, persons, labels, classes)
    if resamples < 1:
        raise DataError(f"resamples is {resamples}; expected 1 or more.")
    rng = np.random.default_rng(seed)
    scores = np.empty((resamples, len(labels)))
    for rows in blocks(resamples, WEIGHT_BYTES // unique_persons):
        weights = draw_persons(rng, unique_persons, len(scores[rows]))
        scores[rows] = score_splits(targets, person_of_image, labels, weights)
    return scores


def leave_one_out_f1(targets: ArrayLike, persons: ArrayLike, labels: ArrayLike, classes: int) -> Floats:
    """Macro F1 of R runs without each of the P sorted unique persons in turn, (P, R): the jackknife.

    Arguments and errors as those of :func:`bootstrap_f1`. A single person leaves nothing, which scores 0.
    """
    targets, person_of_image, labels, unique_persons = _checked(targets, persons, labels, classes)
    counts = person_counts(targets, person_of_image, labels, (unique_persons, classes))
    hits, misses = counts.reshape(2, unique_persons, len(labels), classes)  # (P, R, C) each
    return macro_f1(hits.sum(0, dtype=np.float64) - hits, misses.sum(0, dtype=np.float64) - misses)


def draw_persons(rng: np.random.Generator, persons: int, resamples: int) -> NDArray[np.unsignedinteger]:
    """How often each of P persons is drawn in each resample, (resamples, P); every row sums to P.

    The draws do not depend on how many resamples are asked for at once.
    """
    times = np.empty((resamples, persons), np.min_scalar_type(persons))
    for rows in blocks(resamples, DRAWN_AT_ONCE // persons):
        drawn = rng.integers(persons, size=(len(times[rows]), persons))  # (rows, P) indices of persons
        drawn += persons * np.arange(len(drawn))[:, None]
        times[rows] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
    return times


def interval(
    draws: ArrayLike, level: float = 0.95, *, estimate: float | None = None, deviation: float = 0.0
) -> tuple[float, float]:
    """Ends of the interval that holds the share `level` (0..1) of the draws (resamples,).

    With `estimate`, the score of the persons as they are, the draws are moved to have it as their mean; and where they
    stray less than `deviation` (of :func:`jackknife_deviation`), they are stretched around it until they stray as much.
    A few persons of a rare class make the plain percentile interval too low and too narrow: docs/comparison.md has what
    was measured. Raises DataError for draws that are none, or a level that is no share.
    """
    values = np.asarray(draws, np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise DataError(f"draws: shape {values.shape} found; expected (resamples,) finite numbers, at least one.")
    if not 0 < level < 1:
        raise DataError(f"level is {level:g}; expected a share between 0 and 1, such as 0.95.")
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2))
    if estimate is None:
        return float(low), float(high)
    mean, spread = float(values.mean()), float(values.std())
    stretch = max(1.0, deviation / spread) if values.min() < values.max() else 1.0
    return float(estimate + stretch * min(0.0, low - mean)), float(estimate + stretch * max(0.0, high - mean))


def jackknife_deviation(left_out: ArrayLike) -> float:
    """Standard deviation of a score from its values without each of P persons (P,); 0 for a single one.

    Efron, Tibshirani (1993), eq. 11.5; it errs on the large side, the bootstrap's on the small one.
    """
    values = np.asarray(left_out, np.float64)
    return float(np.sqrt((len(values) - 1) * values.var()))


def _checked(
    targets: ArrayLike, persons: ArrayLike, labels: ArrayLike, classes: int
) -> tuple[Labels, NDArray[np.int64], Labels, int]:
    """Targets (n,), index of each image's person (n,), labels (R, n) and the number of persons."""
    truth = checked_labels(targets, "targets")
    predicted = checked_predictions(labels, truth.size, "labels")
    person_of_image, unique_persons = checked_persons(persons, truth.size)
    largest = int(max(truth.max(), predicted.max()))
    if largest >= classes:
        raise DataError(f"class {largest} found among targets or labels; expected 0..{classes - 1}: {classes} classes.")
    return truth, person_of_image, predicted, unique_persons.size
