import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from callbacks.ranking import average_precision, ndcg, reciprocal_rank

CLASSES = 5
scores_of = st.integers(1, 20).flatmap(
    lambda n: arrays(np.float64, (n, CLASSES), elements=st.integers(0, 6).map(lambda value: value / 6))  # with ties
)
k_or_none = st.none() | st.integers(1, CLASSES)


def labels_for(scores: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, CLASSES, len(scores))


@given(scores_of, st.integers(0, 9), k_or_none)
def test_ndcg_of_labels_and_of_grades_equals_scikit_learn(scores: np.ndarray, seed: int, k: int | None) -> None:
    targets = labels_for(scores, seed)
    grades = np.random.default_rng(seed).integers(0, 4, scores.shape)
    grades[0] = 0  # an image to which nothing is relevant
    assert ndcg(targets, scores, k) == pytest.approx(ndcg_score(np.eye(CLASSES)[targets], scores, k=k), abs=1e-12)
    assert ndcg(grades, scores, k) == pytest.approx(ndcg_score(grades, scores, k=k), abs=1e-12)


@given(scores_of, st.integers(0, 9))
def test_mrr_equals_scikit_learns_ranking_precision_of_one_label(scores: np.ndarray, seed: int) -> None:
    targets = labels_for(scores, seed)
    theirs = label_ranking_average_precision_score(np.eye(CLASSES)[targets], scores)
    assert reciprocal_rank(targets, scores) == pytest.approx(theirs, abs=1e-12)


@given(st.integers(1, 20), st.integers(0, 50))
def test_map_without_a_limit_equals_scikit_learns_ranking_precision(images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, relevant = rng.random((images, CLASSES)), rng.integers(0, 2, (images, CLASSES))
    relevant[np.arange(images), rng.integers(0, CLASSES, images)] = 1  # theirs counts 1 where nothing is relevant
    theirs = label_ranking_average_precision_score(relevant, scores)
    assert average_precision(relevant, scores) == pytest.approx(theirs, abs=1e-12)


def precision_at(ranked: list[int], relevant: set[int], k: int) -> float:
    """The formula, one list at a time."""
    hits, total = 0, 0.0
    for rank, item in enumerate(ranked[:k], start=1):
        if item in relevant:
            hits += 1
            total += hits / rank
    return total / min(len(relevant), k) if relevant else 0.0


@given(st.integers(1, 12), st.integers(0, 50), st.integers(1, CLASSES + 2))
def test_map_and_mrr_at_k_equal_the_formula(images: int, seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores, relevance = rng.random((images, CLASSES)), rng.integers(0, 2, (images, CLASSES))
    ranked = [sorted(range(CLASSES), key=lambda item, row=row: -row[item]) for row in scores]
    sets = [set(np.flatnonzero(row)) for row in relevance]
    expected = np.mean([precision_at(row, found, k) for row, found in zip(ranked, sets, strict=True)])
    assert average_precision(relevance, scores, k) == pytest.approx(expected, abs=1e-12)
    firsts = [next((rank for rank, item in enumerate(row, 1) if item in found), k + 1)
              for row, found in zip(ranked, sets, strict=True)]  # fmt: skip
    expected = np.mean([1 / first if first <= k else 0.0 for first in firsts])
    assert reciprocal_rank(relevance, scores, k) == pytest.approx(expected, abs=1e-12)


def test_equal_scores_are_no_credit_for_the_first_rank() -> None:
    even = np.full((1, 4), 0.25)
    assert reciprocal_rank(np.array([0]), even) == 1 / 4
    assert ndcg(np.array([0]), even, 1) == 1 / 4


def test_no_images_score_zero() -> None:
    empty, nothing = np.zeros((0, 3)), np.zeros(0, np.int64)
    assert reciprocal_rank(nothing, empty) == average_precision(nothing, empty) == ndcg(nothing, empty) == 0
