"""Each blend is its formula, on any probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import gmean, rankdata

from analysis.ensembles.blends import (
    class_ranks,
    equal_weights,
    geometric_blend,
    log_probabilities,
    mean_blend,
    rank_blend,
    vote_blend,
)

WEIGHTS = np.array([0.5, 0.2, 0.3])


def drawn(seed: int, members: int = 3, images: int = 50, classes: int = 5) -> NDArray[np.float32]:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.4), (members, images)).astype(np.float32)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_means_are_numpys_and_scipys(seed: int) -> None:
    probabilities = drawn(seed)
    np.testing.assert_allclose(mean_blend(probabilities, WEIGHTS), np.average(probabilities, 0, WEIGHTS), atol=1e-6)
    expected = gmean(np.maximum(probabilities.astype(float), 1e-7), axis=0, weights=WEIGHTS[:, None, None])
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(geometric_blend(probabilities, WEIGHTS), expected, atol=1e-5)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5]), min_size=4, max_size=4), min_size=1, max_size=8))
def test_ranks_are_scipys_with_ties(rows: list[list[float]]) -> None:
    values = np.array(rows, np.float32)
    assert class_ranks(values).tolist() == rankdata(values, axis=1).tolist()


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_rank_blend_answers_by_mean_rank_then_by_mean_probability(seed: int) -> None:
    probabilities = drawn(seed, members=4)
    ranks = np.stack([rankdata(member, axis=1) for member in probabilities]).mean(0)
    mean = probabilities.mean(0)
    answers = [max(range(5), key=lambda one, row=row: (round(ranks[row, one], 6), mean[row, one])) for row in range(50)]
    assert rank_blend(probabilities, equal_weights(4)).argmax(1).tolist() == answers


@given(seed=st.integers(0, 1000), members=st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_a_vote_answers_by_count_then_by_mean_probability(seed: int, members: int) -> None:
    probabilities = drawn(seed, members)
    labels, mean = probabilities.argmax(2), probabilities.mean(0)
    answers = [max(range(5), key=lambda one, row=row: ((labels[:, row] == one).sum(), mean[row, one]))
               for row in range(50)]
    assert vote_blend(probabilities, equal_weights(members)).argmax(1).tolist() == answers


def test_one_member_sure_of_a_class_s_absence_is_no_veto() -> None:
    probabilities = np.array([[[0.0, 1.0]], [[0.9, 0.1]]], np.float32)
    assert (log_probabilities(probabilities) >= np.log(np.float32(1e-7))).all()
    assert geometric_blend(probabilities, equal_weights(2)).argmax() == 1
    three = np.concatenate([probabilities, np.tile([[[1 - 1e-6, 1e-6]]], (3, 1, 1)).astype(np.float32)])
    assert geometric_blend(three, equal_weights(5)).argmax() == 0


@pytest.mark.parametrize("blend", [mean_blend, geometric_blend, rank_blend, vote_blend])
def test_a_member_of_weight_zero_has_no_say(blend) -> None:  # type: ignore[no-untyped-def]
    probabilities = drawn(1)
    np.testing.assert_allclose(
        blend(probabilities, np.array([0.5, 0, 0.5])), blend(probabilities[[0, 2]], equal_weights(2)), atol=1e-6
    )
