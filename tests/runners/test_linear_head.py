from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.errors import DataError
from runners.linear_head import fit_head

CLASSIFIER = partial(LogisticRegression, C=0.1, class_weight="balanced", max_iter=500)


def drawn(seed: int, views: int = 2, images: int = 40, width: int = 5):
    """Features (V, n, F), one of them constant, that tell classes apart a little."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 6, images)
    values = rng.normal(size=(views, images, width)) * rng.uniform(0.1, 30, width) + targets[:, None] * 0.5
    values[..., -1] = 3.0
    return values.astype(np.float32), targets


def reference(features, targets, classes: int):
    """scikit-learn's own pipeline on the views one below the other, its columns put where their classes are."""
    rows = features.reshape(-1, features.shape[2]).astype(np.float64)
    pipeline = make_pipeline(StandardScaler(), CLASSIFIER()).fit(rows, np.tile(targets, len(features)))
    probabilities = np.zeros((features.shape[1], classes))
    of_views = [pipeline.predict_proba(view.astype(np.float64)) for view in features]
    probabilities[:, pipeline[-1].classes_] = np.mean(of_views, axis=0)
    return probabilities


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sets(st.integers(0, 5), min_size=2, max_size=6))
def test_probabilities_are_those_of_scikit_learns_pipeline(seed: int, present: set[int]) -> None:
    features, targets = drawn(seed)
    targets = np.array(sorted(present))[targets % len(present)]
    targets[: len(present)] = sorted(present)
    head = fit_head(CLASSIFIER, features, targets, classes=8, seed=0)
    found = head.probabilities(features)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(features, targets, 8), atol=1e-6)
    absent = sorted({*range(8)} - present)
    assert (found[:, absent] == 0).all(), "a class without a training image has probability 0, and moves no column"


def test_one_class_alone_is_certain() -> None:
    features, _ = drawn(0)
    head = fit_head(CLASSIFIER, features, np.full(40, 3), classes=5, seed=0)
    np.testing.assert_array_equal(head.probabilities(features), np.eye(5)[np.full(40, 3)])


def test_too_few_iterations_are_told() -> None:
    features, targets = drawn(1)
    assert fit_head(CLASSIFIER, features, targets, 6, 0).converged
    few = fit_head(partial(LogisticRegression, C=10.0, max_iter=2), features, targets, 6, 0)
    assert not few.converged and few.iterations == 2


def test_a_solver_that_draws_gets_the_runs_seed() -> None:
    features, targets = drawn(2)
    drawing = partial(LogisticRegression, solver="saga", max_iter=2)
    first, again, other = (fit_head(drawing, features, targets, 6, seed).weight for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("classifier", "sentence"),
    [
        (partial(LogisticRegression, C=-1.0), "classifier: LogisticRegression.fit refuses what was declared"),
        (partial(KNeighborsClassifier, n_neighbors=1), "classifier is KNeighborsClassifier, which has no coef_"),
    ],
)
def test_what_is_no_linear_classifier_is_refused(classifier, sentence: str) -> None:
    features, targets = drawn(3)
    with pytest.raises(DataError, match=sentence):
        fit_head(classifier, features, targets, 6, 0)
