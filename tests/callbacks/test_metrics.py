import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from callbacks import metrics

labels = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, 6)), arrays(np.int64, n, elements=st.integers(0, 6))
    )
)


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
    assert metrics.macro_f1(confusion) == pytest.approx(f1_score(targets, predictions, average="macro"), abs=1e-12)
    assert metrics.accuracy(confusion) == pytest.approx(accuracy_score(targets, predictions), abs=1e-12)


def test_no_images_score_zero() -> None:
    empty = np.zeros((3, 3), np.int64)
    assert metrics.macro_f1(empty) == metrics.accuracy(empty) == metrics.weighted(metrics.f1(empty), empty) == 0
