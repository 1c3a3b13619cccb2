"""Macro F1 of every run on any set of persons, without training: per-person counts and one matrix product."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.checked_arrays import Labels, checked_labels, checked_membership, checked_persons, checked_predictions

Floats = NDArray[np.float64]

MEMBERSHIP_BYTES = 16 * 2**20       # of one block of candidates as floats
COUNT_BYTES = 192 * 2**20           # of one block of runs' counts; more runs are streamed
FEWEST_ROWS = 64                    # candidates in a block: fewer would waste the matrix product
EXACT_FLOAT32 = 2**24               # whole numbers up to it, and sums of them, are exact in float32


def score_splits(targets: ArrayLike, persons: ArrayLike, oof: ArrayLike, membership: ArrayLike) -> Floats:
    """Macro F1 of E runs on S sets of persons, as ``sklearn.metrics.f1_score(average="macro")`` computes it: (S, E).

    targets (N,) int; persons (N,); oof (E, N) int labels or (E, N, C) probabilities.
    membership (S, P): a candidate a row, over the P sorted unique persons; bool, or weights >= 0 of a person's images.
    Classes absent from a candidate's targets and predictions are not averaged; an empty candidate scores 0
    (scikit-learn refuses it). One product of (S, P) with counts (P, 2 E C), in float32 while every sum is a whole
    number that float32 holds exactly, else in float64. Candidates and runs are streamed through blocks of bounded size.
    Raises DataError where shapes do not fit, labels or weights are negative, or a value is not finite.
    """
    targets = checked_labels(targets, "targets")
    labels = checked_predictions(oof, targets.size, "oof")                      # (E, N)
    person_of_image, unique_persons = checked_persons(persons, targets.size)
    weights = checked_membership(membership, len(unique_persons))               # (S, P)

    largest_sum = 2.0 * targets.size * float(weights.max(initial=0))
    exact = weights.dtype.kind in "bui" and largest_sum <= EXACT_FLOAT32
    number: type[np.floating] = np.float32 if exact else np.float64
    shape = (len(unique_persons), 1 + int(max(targets.max(), labels.max())))    # (P, C)
    run_bytes = 2 * shape[0] * shape[1] * np.dtype(number).itemsize
    scores = np.empty((len(weights), len(labels)))
    for runs in blocks(len(labels), COUNT_BYTES // run_bytes):
        counts = person_counts(targets, person_of_image, labels[runs], shape, number).reshape(shape[0], -1)
        for rows in blocks(len(weights), max(FEWEST_ROWS, MEMBERSHIP_BYTES // (4 * shape[0]))):
            sums = (weights[rows].astype(number) @ counts).reshape(-1, 2, runs.stop - runs.start, shape[1])
            scores[rows, runs] = macro_f1(sums[:, 0], sums[:, 1])
    return scores


def person_counts(
    targets: Labels, person_of_image: NDArray[np.int64], labels: Labels, shape: tuple[int, int],
    number: type[np.floating] = np.float64,
) -> NDArray[np.floating]:
    """Images of each person, run and class: true positives, then predicted + true; (P, 2, E, C) for shape (P, C)."""
    person_count, class_count = shape
    counts = np.empty((person_count, 2, len(labels), class_count), number)
    first_cell = person_of_image * class_count
    true_cell = first_cell + targets
    true = np.bincount(true_cell, minlength=person_count * class_count).reshape(shape)
    for run, predicted in enumerate(labels):
        hits = np.bincount(true_cell[predicted == targets], minlength=true.size)
        counts[:, 0, run] = hits.reshape(shape)
        counts[:, 1, run] = np.bincount(first_cell + predicted, minlength=true.size).reshape(shape) + true
    return counts


def macro_f1(true_positives: NDArray[np.floating], predicted_plus_true: NDArray[np.floating]) -> Floats:
    """Mean over the last axis of 2 tp / (predicted + true), skipping classes with neither; 0 where none is left."""
    sizes = predicted_plus_true.astype(np.float64)
    present = sizes > 0
    per_class = np.divide(2.0 * true_positives, sizes, out=np.zeros_like(sizes), where=present)
    mean: Floats = per_class.sum(-1) / np.maximum(present.sum(-1), 1)
    return mean


def weighted_macro_f1(targets: Labels, labels: Labels, weights: Floats) -> Floats:
    """Macro F1 of runs (E, N) with a weight >= 0 an image (N,), as scikit-learn's ``sample_weight`` does it: (E,)."""
    return macro_f1(*weighted_sums(targets, labels, weights))


def weighted_sums(targets: Labels, labels: Labels, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the true positives, and of predicted + true, of each run and class: (E, C) and (E, C)."""
    class_count = 1 + int(max(targets.max(), labels.max()))
    true = np.bincount(targets, weights, class_count)
    hits: Floats = np.stack([np.bincount(targets, weights * (run == targets), class_count) for run in labels])
    sizes: Floats = np.stack([np.bincount(run, weights, class_count) + true for run in labels])
    return hits, sizes


def blocks(length: int, size: int) -> Iterator[slice]:
    """Slices that cover 0..length in order, `size` (at least 1) long but for the last."""
    step = max(1, size)
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
