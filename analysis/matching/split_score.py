"""Macro F1 of every run on any set of persons, without training: per-person counts and one matrix product."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.matching.checked_arrays import (
    Labels,
    checked_labels,
    checked_membership,
    checked_persons,
    checked_predictions,
)

Floats = NDArray[np.float64]

MEMBERSHIP_BYTES = 8 * 2**20        # of one block of candidates as floats
COUNT_BYTES = 192 * 2**20           # of one block of runs' counts; more runs are streamed
FEWEST_ROWS = 64                    # candidates in a block: fewer would waste the matrix product
EXACT_FLOAT32 = 2**24               # whole numbers up to it, and sums of them, are exact in float32


def score_splits(targets: ArrayLike, persons: ArrayLike, oof: ArrayLike, membership: ArrayLike) -> Floats:
    """Macro F1 of E runs on S sets of persons, as ``sklearn.metrics.f1_score(average="macro")`` computes it: (S, E).

    targets (N,) int; persons (N,); oof (E, N) int labels or (E, N, C) probabilities.
    membership (S, P): a candidate a row, over the P sorted unique persons; bool, or weights >= 0 of a person's images.
    Classes absent from a candidate's targets and predictions are not averaged; an empty candidate scores 0
    (scikit-learn refuses it). One matrix product of membership with per-person counts, in float32 where every sum is a
    whole number that float32 holds exactly, else in float64; candidates and runs are streamed through bounded blocks.
    Raises DataError where shapes do not fit, labels or weights are negative, or a value is not finite.
    """
    targets = checked_labels(targets, "targets")
    labels = checked_predictions(oof, targets.size, "oof")                      # (E, N)
    person_of_image, unique_persons = checked_persons(persons, targets.size)
    weights = checked_membership(membership, len(unique_persons))               # (S, P)

    shape = (len(unique_persons), 1 + int(max(targets.max(), labels.max())))    # (P, C)
    largest = float(weights.max(initial=0)) if weights.dtype.kind in "bui" else None
    scores = np.empty((len(weights), len(labels)))
    for runs in blocks(len(labels), COUNT_BYTES // (2 * 4 * shape[0] * shape[1])):
        counts = person_counts(targets, person_of_image, labels[runs], shape)   # (2, P, runs * C)
        table, base = packed(counts, largest)
        for rows in blocks(len(weights), max(FEWEST_ROWS, MEMBERSHIP_BYTES // (4 * shape[0]))):
            hits, misses = unpacked(weights[rows].astype(table.dtype) @ table, base)
            by_class = (len(hits), -1, shape[1])
            scores[rows, runs] = macro_f1(hits.reshape(by_class), misses.reshape(by_class))
        del counts, table           # before the next runs' are made
    return scores


def person_counts(
    targets: Labels, person_of_image: NDArray[np.int64], labels: Labels, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Images of each person, run and class: true positives, then false positives + false negatives; (2, P, E * C).

    shape: (P, C). Counts are exact, for nobody has 2^24 images.
    """
    person_count, class_count = shape
    counts = np.empty((2, person_count, len(labels), class_count), np.float32)
    first_cell = person_of_image * class_count
    true_cell = first_cell + targets
    true = np.bincount(true_cell, minlength=person_count * class_count).reshape(shape)
    for run, predicted in enumerate(labels):
        hits = np.bincount(true_cell[predicted == targets], minlength=true.size).reshape(shape)
        counts[0, :, run] = hits
        counts[1, :, run] = np.bincount(first_cell + predicted, minlength=true.size).reshape(shape) + true - 2 * hits
    return counts.reshape(2, person_count, -1)


def packed(counts: NDArray[np.float32], largest: float | None) -> tuple[NDArray[np.floating], float]:
    """Both counts (2, P, K) as one matrix to multiply by, and the base that tells them apart again.

    largest: of the weights, None where they are not whole. Any sum of hits stays below the base, a power of two; if
    hits + base x misses then fits float32 as a whole number, one product of half the width is exact for both: (P, K).
    Otherwise the two lie side by side, (P, 2 K), base 0, in float32 as long as that is exact, else in float64.
    """
    if largest is None:
        return np.hstack(tuple(counts), dtype=np.float64), 0.0
    most_hits, most_misses = counts.sum(1, dtype=np.float64).max(1, initial=0) * largest
    base = 2.0 ** np.ceil(np.log2(most_hits + 1))
    if base * (most_misses + 1) <= EXACT_FLOAT32:
        return counts[0] + np.float32(base) * counts[1], base
    number = np.float32 if max(most_hits, most_misses) <= EXACT_FLOAT32 else np.float64
    return np.hstack(tuple(counts), dtype=number), 0.0


def unpacked(sums: NDArray[np.floating], base: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Hits and misses (S, K) of sums over what :func:`packed` made."""
    if not base:
        return sums[:, : sums.shape[1] // 2], sums[:, sums.shape[1] // 2 :]
    misses = np.floor(sums * sums.dtype.type(1 / base))         # a power of two: exact
    return sums - misses * sums.dtype.type(base), misses


def macro_f1(hits: NDArray[np.floating], misses: NDArray[np.floating]) -> Floats:
    """Mean over the last axis of 2 hits / (2 hits + misses), skipping classes with neither; 0 where none is left.

    hits: true positives; misses: false positives + false negatives.
    """
    doubled = 2 * hits.astype(np.float64)
    sizes = doubled + misses
    absent = sizes == 0
    sizes[absent] = 1                                           # and their 0 hits add 0 to the sum
    mean: Floats = (doubled / sizes).sum(-1) / np.maximum(sizes.shape[-1] - absent.sum(-1), 1)
    return mean


def weighted_macro_f1(targets: Labels, labels: Labels, weights: Floats) -> Floats:
    """Macro F1 of runs (E, N) with a weight >= 0 an image (N,), as scikit-learn's ``sample_weight`` does it: (E,)."""
    return macro_f1(*weighted_sums(targets, labels, weights))


def weighted_sums(targets: Labels, labels: Labels, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the hits and of the misses of each run and class: (E, C) and (E, C)."""
    class_count = 1 + int(max(targets.max(), labels.max()))
    right = labels == targets
    hits: Floats = np.stack([np.bincount(targets, weights * run, class_count) for run in right])
    misses: Floats = np.stack([
        np.bincount(targets, weights * ~run, class_count) + np.bincount(predicted, weights * ~run, class_count)
        for run, predicted in zip(right, labels, strict=True)
    ])
    return hits, misses


def blocks(length: int, size: int) -> Iterator[slice]:
    """Slices that cover 0..length in order, `size` (at least 1) long but for the last."""
    step = max(1, size)
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
