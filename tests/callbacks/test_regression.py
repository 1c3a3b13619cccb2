import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_absolute_error, mean_squared_error

from callbacks.regression import absolute_error, squared_error

years = st.floats(0, 100, width=32)
pairs = st.integers(1, 30).flatmap(
    lambda n: st.tuples(arrays(np.float32, n, elements=years), arrays(np.float32, n, elements=years))
)


@given(pairs)
def test_errors_of_numbers_equal_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    targets, predictions = (values.astype(np.float64) for values in pair)
    assert absolute_error(targets, predictions) == pytest.approx(mean_absolute_error(targets, predictions), abs=1e-12)
    assert squared_error(*pair) == pytest.approx(mean_squared_error(targets, predictions), rel=1e-12, abs=1e-12)


def test_classes_that_stand_for_numbers_are_compared_by_what_their_scores_expect() -> None:
    values, rng = (20.0, 45.0, 60.0), np.random.default_rng(0)
    targets, scores = rng.integers(0, 3, 50), rng.dirichlet(np.ones(3), 50)
    numbers, expected = np.array(values)[targets], scores @ values
    assert absolute_error(targets, scores, values) == pytest.approx(mean_absolute_error(numbers, expected), abs=1e-12)
    assert squared_error(targets, scores, values) == pytest.approx(mean_squared_error(numbers, expected), abs=1e-10)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="values has 2 numbers, and scores are of shape"):
        absolute_error(np.array([0]), np.full((1, 3), 1 / 3), (1.0, 2.0))
    with pytest.raises(ValueError, match="are of classes: values"):
        squared_error(np.array([0]), np.full((1, 3), 1 / 3))


def test_nothing_has_no_error() -> None:
    assert np.isnan(absolute_error(np.zeros(0), np.zeros(0)))
