import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from callbacks.factor_scores import factor_scores
from callbacks.metrics import confusion_matrix
from callbacks.monitor import LOGGED_OF_MASKS
from data.labels import CLASS_NAMES, decode

classes = st.integers(0, 17)
pairs = st.integers(1, 60).flatmap(
    lambda n: st.tuples(arrays(np.int64, n, elements=classes), arrays(np.int64, n, elements=classes))
)


@settings(max_examples=40)
@given(pairs)
def test_factors_score_as_if_each_had_been_predicted_alone(pair: tuple[np.ndarray, np.ndarray]) -> None:
    targets, answers = pair
    (mask, gender, age), (said_mask, said_gender, said_age) = decode(targets), decode(answers)
    expected = {
        "f1_mask": f1_score(mask, said_mask, average="macro"),
        "f1_gender": f1_score(gender, said_gender, average="macro"),
        "f1_age": f1_score(age, said_age, average="macro"),
        "f1_mask_age": f1_score(mask * 3 + age, said_mask * 3 + said_age, average="macro"),
    }
    ours = factor_scores(confusion_matrix(targets, answers, 18), CLASS_NAMES)
    assert ours == pytest.approx(expected, abs=1e-12)
    assert tuple(ours) == LOGGED_OF_MASKS


def test_other_classes_have_no_factors() -> None:
    assert factor_scores(np.eye(18, dtype=np.int64), [f"class {number}" for number in range(18)]) == {}
    assert factor_scores(np.eye(3, dtype=np.int64), ("a", "b", "c")) == {}
