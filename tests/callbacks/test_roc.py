import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import roc_auc_score

from callbacks.roc import class_roc_auc, roc_auc

CLASSES = 4
cases = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, CLASSES - 1)),
        arrays(np.float32, (n, CLASSES), elements=st.integers(0, 8).map(lambda value: np.float32(value / 8))),  # ties
    )
)


@given(cases)
def test_each_class_equals_scikit_learn_where_it_has_a_pair_to_rank(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, scores = case
    ours = class_roc_auc(targets, scores)
    for number in range(CLASSES):
        positive = targets == number
        if positive.any() and not positive.all():
            assert ours[number] == pytest.approx(roc_auc_score(positive, scores[:, number]), abs=1e-12)
        else:
            assert np.isnan(ours[number])
    defined = ours[~np.isnan(ours)]
    assert roc_auc(targets, scores) == pytest.approx(defined.mean() if len(defined) else np.nan, nan_ok=True)


def test_with_every_class_it_is_scikit_learns_macro_one_vs_rest() -> None:
    rng = np.random.default_rng(0)
    targets, scores = rng.permutation(np.arange(200) % CLASSES), rng.dirichlet(np.ones(CLASSES), 200)
    theirs = roc_auc_score(targets, scores, multi_class="ovr", average="macro")
    assert roc_auc(targets, scores) == pytest.approx(theirs, abs=1e-12)


def test_one_image_has_no_area() -> None:
    assert np.isnan(roc_auc(np.array([1]), np.full((1, CLASSES), 0.25)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        assert np.isnan(roc_auc_score([1], [0.25])), "nor has it for scikit-learn"


def test_scores_that_are_no_numbers_have_no_area() -> None:
    scores = np.array([[0.5, np.nan], [0.2, 0.8]])
    assert np.isnan(class_roc_auc(np.array([0, 1]), scores)).tolist() == [False, True]
