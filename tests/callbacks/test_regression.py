import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_absolute_error, mean_squared_error

from callbacks.regression import absolute_error, age_absolute_error, age_squared_error, squared_error
from data.ages import bucket_shares

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


@pytest.fixture
def ages() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True ages (40,), predicted ones (40,), and scores (40, 18) whose buckets stand for the predicted ones."""
    rng = np.random.default_rng(0)
    predicted, others = rng.uniform(18, 65, 40), rng.dirichlet(np.ones(6), 40)
    scores = (others[:, :, None] * bucket_shares(predicted, 3.0)[:, None, :]).reshape(40, 18)
    return rng.integers(18, 61, 40).astype(np.float64), predicted, scores.astype(np.float32)


def test_errors_of_ages_behind_the_classes_equal_scikit_learn(ages) -> None:
    years, predicted, scores = ages
    error = age_absolute_error(years, scores, age_spread=3.0)
    assert error == pytest.approx(mean_absolute_error(years, predicted), abs=1e-5)
    error = age_squared_error(years, scores, age_spread=3.0)
    assert error == pytest.approx(mean_squared_error(years, predicted), rel=1e-5)


def test_errors_of_expected_ages_equal_scikit_learn(ages) -> None:
    """For any classifier: the age is what its probabilities expect of a number for each class."""
    (years, _, scores), values = ages, (23.5, 44.5, 60.0) * 6
    expected = scores.astype(np.float64) @ values
    assert age_absolute_error(years, scores, values=values) == pytest.approx(mean_absolute_error(years, expected))
    assert age_squared_error(years, scores, values=values) == pytest.approx(mean_squared_error(years, expected))


def test_ages_that_are_not_known_are_left_out(ages) -> None:
    years, predicted, scores = ages
    known = np.arange(40) % 3 > 0
    some = np.where(known, years, np.nan)
    error = age_absolute_error(some, scores, age_spread=3.0)
    assert error == pytest.approx(mean_absolute_error(years[known], predicted[known]), abs=1e-5)
    assert np.isnan(age_squared_error(np.full(40, np.nan), scores, age_spread=3.0))


@pytest.mark.parametrize("given", [{}, {"age_spread": 3.0, "values": (1.0,) * 18}])
def test_ages_are_read_in_one_way(ages, given: dict) -> None:
    with pytest.raises(ValueError, match="with age_spread, in years, or with values, one for each class: one of both"):
        age_absolute_error(ages[0], ages[2], **given)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="values has 2 numbers, and scores are of shape"):
        absolute_error(np.array([0]), np.full((1, 3), 1 / 3), (1.0, 2.0))
    with pytest.raises(ValueError, match="are of classes: values"):
        squared_error(np.array([0]), np.full((1, 3), 1 / 3))


def test_nothing_has_no_error() -> None:
    assert np.isnan(absolute_error(np.zeros(0), np.zeros(0)))
