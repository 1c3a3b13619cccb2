"""Blending probabilities of M members into one score a class; the class with the highest score is the answer."""

import numpy as np
from numpy.typing import NDArray

from analysis.run_predictions import Probabilities

Floats = NDArray[np.floating]
Weights = NDArray[np.float64]

# A member that is sure of a class's absence would veto it for all others; float32 tells no more apart next to 1.
LEAST_PROBABILITY = 1e-7


def equal_weights(members: int) -> Weights:
    """1 / M for each of M members."""
    return np.full(members, 1 / members)


def mean_blend(probabilities: Probabilities, weights: Weights) -> Floats:
    """Weighted arithmetic mean, (n, C), of probabilities (M, n, C) with weights (M,) that sum to 1."""
    blended: Floats = np.tensordot(weights.astype(np.float32), probabilities, 1)
    return blended


def geometric_blend(probabilities: Probabilities, weights: Weights) -> Floats:
    """Weighted geometric mean, each image's classes made to sum to 1 again: (n, C)."""
    logs = np.tensordot(weights.astype(np.float32), log_probabilities(probabilities), 1)
    return softmax(logs)


def rank_blend(probabilities: Probabilities, weights: Weights) -> Floats:
    """Weighted mean of each member's ranks of an image's classes (1..C, the surest C; ties share theirs): (n, C).

    Ranked within an image (Borda count): ranks over images, as for a score such as AUC, would give every class the same
    share of answers. Where members' ranks balance, the mean probability decides, too small a part to do more.
    """
    ranks = np.stack([class_ranks(member) for member in probabilities])  # (M, n, C)
    blended: Floats = np.tensordot(weights, ranks, 1) + _smallest(weights) / 4 * mean_blend(probabilities, weights)
    return blended


def vote_blend(probabilities: Probabilities, weights: Weights) -> Floats:
    """Weight of the members that answer each class, (n, C); where that ties, the mean probability decides."""
    votes = probabilities.argmax(2)[..., None] == np.arange(probabilities.shape[2])  # (M, n, C)
    blended: Floats = np.tensordot(weights, votes, 1) + _smallest(weights) / 2 * mean_blend(probabilities, weights)
    return blended


def class_ranks(probabilities: Floats) -> NDArray[np.float32]:
    """Ranks (n, C) of each image's classes, 1 the least likely; equal ones share the mean of their places.

    As ``scipy.stats.rankdata(probabilities, axis=1)``, counted class by class: five times as fast for few classes.
    """
    by_class = np.ascontiguousarray(probabilities.T)  # (C, n)
    ranks = np.empty(by_class.shape, np.float32)
    for one, values in enumerate(by_class):
        ranks[one] = np.count_nonzero(by_class < values, axis=0) + np.count_nonzero(by_class <= values, axis=0)
    return (ranks.T + np.float32(1)) / np.float32(2)


def log_probabilities(probabilities: Floats, least: float = LEAST_PROBABILITY) -> Floats:
    """Logarithms, of `least` where a probability is smaller."""
    logs: Floats = np.log(np.maximum(probabilities, np.float32(least)))
    return logs


def softmax(logs: Floats) -> Floats:
    """Probabilities (n, C) from logarithms that need not be normalised."""
    powers = np.exp(logs - logs.max(-1, keepdims=True))
    blended: Floats = powers / powers.sum(-1, keepdims=True)
    return blended


def _smallest(weights: Weights) -> float:
    """The least a vote can weigh: of weights above 0."""
    return float(weights[weights > 0].min())
