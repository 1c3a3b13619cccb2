"""Scores of sets of classes: an image may have several, and is answered with every class whose score is high enough.

targets are labels (N,), a set of one each, or (N, C) with 1 for the classes of an image; a class is answered where its
score (N, C) reaches `threshold`. A one-vs-rest classifier answers so; so does a softmax that may say nothing.
An undefined ratio counts 0, as in scikit-learn.
"""

import numpy as np
from numpy.typing import NDArray

from callbacks.metrics import Counts, Floats
from callbacks.ranking import relevance

Scores = NDArray[np.floating]
Targets = NDArray[np.generic]


def samples_precision(targets: Targets, scores: Scores, threshold: float = 0.5) -> float:
    """Share of each image's answers that are right, averaged over images."""
    right, answered, _ = _sizes(targets, scores, threshold)
    return _mean(_ratio(right, answered))


def samples_recall(targets: Targets, scores: Scores, threshold: float = 0.5) -> float:
    """Share of each image's classes that are answered, averaged over images."""
    right, _, true = _sizes(targets, scores, threshold)
    return _mean(_ratio(right, true))


def samples_f1(targets: Targets, scores: Scores, threshold: float = 0.5) -> float:
    """F1 of each image's answers, averaged over images."""
    right, answered, true = _sizes(targets, scores, threshold)
    return _mean(_ratio(2 * right, answered + true))


def set_micro_f1(targets: Targets, scores: Scores, threshold: float = 0.5) -> float:
    """F1 of all answers of all images taken together."""
    right, answered, true = (values.sum(keepdims=True) for values in _sizes(targets, scores, threshold))
    return float(_ratio(2 * right, answered + true)[0])


def set_f1(targets: Targets, scores: Scores, threshold: float = 0.5) -> Floats:
    """F1 of each class (C,), asked of every image alone: is it one of its classes?"""
    true, answered = relevance(targets, scores.shape[1]) > 0, scores >= threshold  # (N, C)
    return _ratio(2 * (true & answered).sum(0), true.sum(0) + answered.sum(0))


def _sizes(targets: Targets, scores: Scores, threshold: float) -> tuple[Counts, Counts, Counts]:
    """Of each image: right answers, answers, classes, (N,) each."""
    true, answered = relevance(targets, scores.shape[1]) > 0, scores >= threshold  # (N, C)
    return (true & answered).sum(1), answered.sum(1), true.sum(1)


def _ratio(numerator: Counts, denominator: Counts) -> Floats:
    quotient: Floats = numerator / np.maximum(denominator, 1)
    return quotient


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
