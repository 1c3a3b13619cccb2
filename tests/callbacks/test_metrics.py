import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from callbacks import metrics
from callbacks.monitor import ALWAYS_LOGGED

labels = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, 6)), arrays(np.int64, n, elements=st.integers(0, 6))
    )
)


@settings(max_examples=30)
@given(labels)
def test_scores_equal_scikit_learn_also_with_absent_classes(pair: tuple[np.ndarray, np.ndarray]) -> None:
    targets, predictions = pair
    confusion = metrics.confusion_matrix(targets, predictions, 7)
    present = metrics.present_classes(confusion)
    for ours, theirs in (
        (metrics.precision, precision_score),
        (metrics.recall, recall_score),
        (metrics.f1, f1_score),
    ):
        values = ours(confusion)
        np.testing.assert_allclose(
            values[present], theirs(targets, predictions, average=None, zero_division=0), atol=1e-12
        )
        macro = theirs(targets, predictions, average="macro", zero_division=0)
        assert metrics.macro(values, confusion) == pytest.approx(macro, abs=1e-12)
        mean = theirs(targets, predictions, average="weighted", zero_division=0)
        assert metrics.weighted(values, confusion) == pytest.approx(mean, abs=1e-12)
        micro = theirs(targets, predictions, average="micro")
        assert metrics.micro_f1(confusion) == pytest.approx(micro, abs=1e-12)
    for ours, theirs, average in (
        (metrics.macro_precision, precision_score, "macro"),
        (metrics.macro_recall, recall_score, "macro"),
        (metrics.weighted_precision, precision_score, "weighted"),
        (metrics.weighted_recall, recall_score, "weighted"),
        (metrics.weighted_f1, f1_score, "weighted"),
    ):
        value = theirs(targets, predictions, average=average, zero_division=0)
        assert ours(confusion) == pytest.approx(value, abs=1e-12)
    np.testing.assert_array_equal(
        metrics.counts(confusion), sklearn_confusion(targets, predictions, labels=range(7))
    )
    assert metrics.macro_f1(confusion) == pytest.approx(f1_score(targets, predictions, average="macro"), abs=1e-12)
    assert metrics.accuracy(confusion) == pytest.approx(accuracy_score(targets, predictions), abs=1e-12)


def test_no_images_score_zero() -> None:
    empty = np.zeros((3, 3), np.int64)
    assert metrics.macro_f1(empty) == metrics.accuracy(empty) == metrics.weighted(metrics.f1(empty), empty) == 0


def test_the_standard_scores_are_those_that_every_log_may_be_watched_by() -> None:
    confusion = np.array([[5, 1], [2, 3]])
    scores = metrics.standard_scores(confusion)
    assert ("loss", *scores) == ALWAYS_LOGGED
    assert scores["precision"] == metrics.macro_precision(confusion) != metrics.macro_recall(confusion)
