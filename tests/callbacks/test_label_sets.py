import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from callbacks.label_sets import samples_f1, samples_precision, samples_recall, set_f1, set_micro_f1

CLASSES = 4
cases = st.integers(1, 25).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, (n, CLASSES), elements=st.integers(0, 1)),
        arrays(np.float32, (n, CLASSES), elements=st.floats(0, 1, width=32)),
    )
)


@settings(max_examples=40)
@given(cases)
def test_sets_of_classes_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, scores = case
    answers = scores >= 0.5
    for ours, theirs in (
        (samples_precision, precision_score), (samples_recall, recall_score), (samples_f1, f1_score),
    ):  # fmt: skip
        expected = theirs(targets, answers, average="samples", zero_division=0)
        assert ours(targets, scores) == pytest.approx(expected, abs=1e-12)
    micro = f1_score(targets, answers, average="micro", zero_division=0)
    assert set_micro_f1(targets, scores) == pytest.approx(micro, abs=1e-12)
    each = f1_score(targets, answers, average=None, zero_division=0)
    np.testing.assert_allclose(set_f1(targets, scores), each, atol=1e-12)


@given(arrays(np.int64, st.integers(1, 20), elements=st.integers(0, CLASSES - 1)), st.integers(0, 20))
def test_one_sure_answer_an_image_is_the_accuracy(targets: np.ndarray, seed: int) -> None:
    answers = np.random.default_rng(seed).integers(0, CLASSES, len(targets))
    sure = np.eye(CLASSES)[answers]
    assert samples_f1(targets, sure) == pytest.approx(accuracy_score(targets, answers), abs=1e-12)


def test_an_answer_is_given_from_the_threshold_on() -> None:
    scores = np.array([[0.3, 0.7]])
    assert samples_recall(np.array([0]), scores) == 0 and samples_recall(np.array([0]), scores, threshold=0.3) == 1
    assert samples_precision(np.array([0]), scores, threshold=0.3) == 0.5


def test_no_images_score_zero() -> None:
    assert samples_f1(np.zeros(0, np.int64), np.zeros((0, 3))) == 0
