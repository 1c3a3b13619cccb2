import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from analysis.comparison import bootstrap
from analysis.comparison.bootstrap import (
    bootstrap_f1,
    draw_persons,
    interval,
    jackknife_deviation,
    leave_one_out_f1,
)
from data.errors import DataError

Ints = NDArray[np.int64]
SEEDS = st.integers(0, 2**32 - 1)


def images(seed: int, persons: int, runs: int, classes: int) -> tuple[Ints, NDArray[np.str_], Ints]:
    """Persons of one to seven images in any order, rare classes, runs that are often right."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"p{person}" for person in range(persons)], rng.integers(1, 8, persons))
    rng.shuffle(names)
    targets = np.minimum(rng.geometric(0.3, names.size) - 1, classes - 1)
    wrong = rng.random((runs, names.size)) < 0.4
    return targets, names, np.where(wrong, rng.integers(0, classes, wrong.shape), targets)


def drawn_images(names: NDArray[np.str_], times: NDArray[np.unsignedinteger]) -> Ints:
    """Every image of every drawn person, as often as the person was drawn: the loop that a product stands for."""
    people = np.unique(names)
    pairs = zip(people, times.tolist(), strict=True)
    return np.concatenate([np.tile(np.flatnonzero(names == person), often) for person, often in pairs])


@settings(max_examples=15)
@given(seed=SEEDS, persons=st.integers(1, 12), runs=st.integers(1, 3), classes=st.integers(1, 6))
def test_equals_a_plain_loop_over_scikit_learn_on_the_same_draws(
    seed: int, persons: int, runs: int, classes: int
) -> None:
    targets, names, labels = images(seed, persons, runs, classes)
    scores = bootstrap_f1(targets, names, labels, classes, resamples=5, seed=seed)
    times = draw_persons(np.random.default_rng(seed), np.unique(names).size, 5)
    for row, of_person in zip(scores, times, strict=True):
        chosen = drawn_images(names, of_person)
        expected = [f1_score(targets[chosen], run[chosen], average="macro") for run in labels]
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-12)


def test_runs_are_paired_and_the_order_of_images_is_nothing() -> None:
    targets, names, labels = images(1, 40, 3, 6)
    together = bootstrap_f1(targets, names, labels, 6, resamples=30, seed=5)
    alone = bootstrap_f1(targets, names, labels[2:], 6, resamples=30, seed=5)
    assert (together[:, 2:] == alone).all()
    order = np.random.default_rng(0).permutation(names.size)
    assert (bootstrap_f1(targets[order], names[order], labels[:, order], 6, resamples=30, seed=5) == together).all()
    assert (bootstrap_f1(targets, names, labels, 6, resamples=30, seed=6) != together).any()


@settings(max_examples=20)
@given(seed=SEEDS, persons=st.integers(1, 300), resamples=st.integers(1, 20))
def test_draws_whole_samples_with_replacement(seed: int, persons: int, resamples: int) -> None:
    times = draw_persons(np.random.default_rng(seed), persons, resamples)
    plain = np.random.default_rng(seed).integers(persons, size=(resamples, persons))
    assert times.shape == (resamples, persons) and (times.sum(1, dtype=np.int64) == persons).all()
    assert (times == [np.bincount(row, minlength=persons) for row in plain]).all()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    targets, names, labels = images(2, 30, 2, 6)
    whole = bootstrap_f1(targets, names, labels, 6, resamples=50)
    monkeypatch.setattr(bootstrap, "WEIGHT_BYTES", 30 * 7)
    monkeypatch.setattr(bootstrap, "DRAWN_AT_ONCE", 30 * 3)
    assert (bootstrap_f1(targets, names, labels, 6, resamples=50) == whole).all()


def test_a_person_may_be_drawn_more_often_than_a_byte_counts() -> None:
    assert draw_persons(np.random.default_rng(0), 1, 3).tolist() == [[1], [1], [1]]
    assert draw_persons(np.random.default_rng(0), 256, 1).dtype == np.uint16


@settings(max_examples=15)
@given(seed=SEEDS, persons=st.integers(2, 10), classes=st.integers(1, 6))
def test_leaves_out_each_person_as_scikit_learn_does(seed: int, persons: int, classes: int) -> None:
    targets, names, labels = images(seed, persons, 2, classes)
    scores = leave_one_out_f1(targets, names, labels, classes)
    for row, person in zip(scores, np.unique(names), strict=True):
        rest = names != person
        expected = [f1_score(targets[rest], run[rest], average="macro") for run in labels]
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-12)
    assert (leave_one_out_f1([0, 0], ["a", "a"], [[0, 0]], 1) == 0).all()


def test_the_percentile_interval_is_numpys() -> None:
    draws = np.random.default_rng(0).gamma(2, size=999)
    assert interval(draws) == pytest.approx(np.quantile(draws, (0.025, 0.975)))
    assert interval(draws, 0.5) == pytest.approx(np.quantile(draws, (0.25, 0.75)))


def test_with_an_estimate_draws_are_centred_and_stretched_but_never_pressed() -> None:
    draws = np.random.default_rng(0).normal(0.4, 0.02, 2000)
    low, high = np.quantile(draws, (0.025, 0.975)) - draws.mean()
    assert interval(draws, estimate=0.5) == pytest.approx((0.5 + low, 0.5 + high))
    assert interval(draws, estimate=0.5, deviation=0.001) == pytest.approx((0.5 + low, 0.5 + high))
    wide = interval(draws, estimate=0.5, deviation=3 * draws.std())
    assert wide == pytest.approx((0.5 + 3 * low, 0.5 + 3 * high))
    assert interval(np.full(10, 0.3), estimate=0.3, deviation=0.1) == pytest.approx((0.3, 0.3))


def test_the_jackknife_has_the_formulas_deviation() -> None:
    values = np.random.default_rng(0).random(11)
    expected = np.sqrt(10 / 11 * ((values - values.mean()) ** 2).sum())
    assert jackknife_deviation(values) == pytest.approx(expected)
    assert jackknife_deviation([0.4]) == 0


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(1).random(20)
    without = (values.sum() - values) / 19
    assert jackknife_deviation(without) == pytest.approx(values.std(ddof=1) / np.sqrt(20))


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("expected 0..1: 2 classes", ([0, 2], ["a", "b"], [[0, 1]], 2)),
        ("expected 0..1: 2 classes", ([0, 1], ["a", "b"], [[0, 5]], 2)),
        ("labels: shape", ([0, 1], ["a", "b"], [[0, 1, 1]], 2)),
        ("persons: shape", ([0, 1], ["a"], [[0, 1]], 2)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(words: str, arguments: tuple[list, list, list, int]) -> None:
    for function in (bootstrap_f1, leave_one_out_f1):
        with pytest.raises(DataError, match=words):
            function(*arguments)


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(DataError, match="resamples is 0"):
        bootstrap_f1([0], ["a"], [[0]], 1, resamples=0)
    with pytest.raises(DataError, match="level is 95"):
        interval([0.1, 0.2], 95)
    for draws in ([], [0.1, np.nan], [[0.1]]):
        with pytest.raises(DataError, match="finite numbers"):
            interval(draws)
