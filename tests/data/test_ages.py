import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import logistic

from data.ages import AGE_BORDERS, age_shares, bucket_shares, years_of_shares
from data.labels import age_bucket, decode

AGES = st.lists(st.floats(10, 90), min_size=1, max_size=20).map(np.array)


@settings(max_examples=40)
@given(AGES, st.floats(0.5, 10))
def test_shares_are_the_logistic_distribution_cut_at_the_borders(years: np.ndarray, spread: float) -> None:
    below = logistic.cdf(AGE_BORDERS, loc=years[:, None], scale=spread)  # (N, 2)
    expected = np.stack([below[:, 0], below[:, 1] - below[:, 0], 1 - below[:, 1]], axis=1)
    np.testing.assert_allclose(bucket_shares(years, spread), expected, atol=1e-12)


@settings(max_examples=40)
@given(AGES, st.floats(1, 10))
def test_the_age_comes_back_from_its_shares_as_they_are_written(years: np.ndarray, spread: float) -> None:
    written = bucket_shares(years, spread).astype(np.float32)
    np.testing.assert_allclose(years_of_shares(written, spread), years, atol=1e-4)


def test_the_largest_share_is_the_bucket_of_every_labelled_age() -> None:
    ages = np.arange(18, 61)
    np.testing.assert_array_equal(bucket_shares(ages, 3.0).argmax(1), age_bucket(ages))


@pytest.mark.parametrize(("first", "second"), [(58.0, 62.0), (50.0, 60.0), (25.0, 33.0), (20.0, 60.0)])
def test_averaged_shares_stand_for_an_age_in_between(first: float, second: float) -> None:
    mean = bucket_shares([first, second], 3.0).mean(0, keepdims=True)
    assert first < years_of_shares(mean, 3.0)[0] < second


def test_near_a_border_the_averaged_age_is_the_mean_age() -> None:
    """Only the border at 60 knows: at 30 both ages look alike."""
    mean = bucket_shares([58.5, 60.5], 3.0).mean(0, keepdims=True)
    assert years_of_shares(mean, 3.0)[0] == pytest.approx(59.5, abs=0.02)


def test_shares_of_a_bucket_are_those_of_its_classes() -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(18), 5)
    bucket = decode(np.arange(18))[2]
    expected = np.stack([scores[:, bucket == number].sum(1) for number in range(3)], axis=1)
    np.testing.assert_allclose(age_shares(scores), expected, atol=1e-15)
    with pytest.raises(ValueError, match=r"shape \(5, 10\): ages are those of the mask competition's 18"):
        age_shares(scores[:, :10])
