"""Scores of an order: classes of an image ranked by their scores, where the right ones should stand at the top.

targets are labels (N,), or relevance (N, C): 1 for each right class, 0 for the others (NDCG takes grades too). Classes
with equal scores have no order: each function says what it makes of them. An image without a relevant class counts 0.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Targets = NDArray[np.generic]


def relevance(targets: Targets, classes: int) -> Floats:
    """Targets as relevance (N, C): labels (N,) become one-hot."""
    values = np.asarray(targets)
    return values.astype(np.float64) if values.ndim == 2 else (values[:, None] == np.arange(classes)).astype(np.float64)


def reciprocal_rank(targets: Targets, scores: NDArray[np.floating], k: int | None = None) -> float:
    """MRR: mean of 1 / rank of the first relevant class, 0 beyond rank `k`; equals share the last of their ranks.

    For one relevant class an image, without `k`: scikit-learn's label_ranking_average_precision_score.
    """
    relevant = relevance(targets, scores.shape[1]) > 0  # (N, C)
    best = np.where(relevant, scores, -np.inf).max(1)  # (N,)
    ranks = (scores >= best[:, None]).sum(1)
    counted = relevant.any(1) & (ranks <= (scores.shape[1] if k is None else k))
    return _mean(np.where(counted, 1 / ranks.clip(min=1), 0.0))


def average_precision(targets: Targets, scores: NDArray[np.floating], k: int | None = None) -> float:
    """MAP at `k`: precision at each relevant class among the first `k`, over min(k, relevant classes), averaged.

    Equals are taken in the classes' order, as a list of k answers has to.
    """
    relevant = relevance(targets, scores.shape[1]) > 0  # (N, C)
    k = scores.shape[1] if k is None else k
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(relevant, order, 1)  # (N, k), best first
    precisions = hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)
    return _mean((precisions * hits).sum(1) / np.minimum(relevant.sum(1), k).clip(min=1))


def ndcg(targets: Targets, scores: NDArray[np.floating], k: int | None = None) -> float:
    """NDCG at `k` (Jarvelin and Kekalainen 2002), grades as gains: scikit-learn's ndcg_score, ties averaged."""
    gains = relevance(targets, scores.shape[1])  # (N, C)
    ideal = _discounted(gains, gains, k)
    return _mean(np.divide(_discounted(gains, scores, k), ideal, out=np.zeros(len(gains)), where=ideal > 0))


def _discounted(gains: Floats, scores: NDArray[np.floating], k: int | None) -> Floats:
    """DCG (N,): each class's gain by the mean discount of the ranks that its equals share."""
    classes = scores.shape[1]
    discounts = 1 / np.log2(np.arange(classes) + 2)
    discounts[classes if k is None else k :] = 0
    summed = np.concatenate([[0.0], discounts.cumsum()])  # (C + 1,) of the first 0, 1 ... ranks
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, 1)  # (N, C), falling
    first, last = _ties(ranked)
    shared = (summed[last] - summed[first]) / (last - first)  # (N, C)
    return np.asarray((np.take_along_axis(gains, order, 1) * shared).sum(1))


def _ties(ranked: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank (from 0) of the first of each score's equals, and of the first after them, (N, C) each."""
    rows, classes = ranked.shape
    ranks = np.broadcast_to(np.arange(classes), ranked.shape)
    change = ranked[:, 1:] != ranked[:, :-1]
    edge = np.ones((rows, 1), bool)
    first = np.maximum.accumulate(np.where(np.hstack([edge, change]), ranks, 0), axis=1)
    last = np.where(np.hstack([change, edge]), ranks + 1, classes)
    return first, np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
