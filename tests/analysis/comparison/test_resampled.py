import numpy as np
import pytest
from sklearn.metrics import f1_score

from analysis.comparison.bootstrap import bootstrap_f1, interval, jackknife_deviation, leave_one_out_f1
from analysis.comparison.resampled import Estimate, resample

RNG = np.random.default_rng(3)
PERSONS = np.repeat(np.arange(50), 7)
TARGETS = RNG.integers(0, 6, PERSONS.size)
RIGHT = np.array([0.5, 0.6, 0.6])[:, None] > RNG.random((3, PERSONS.size))
LABELS = np.where(RIGHT, TARGETS, RNG.integers(0, 6, RIGHT.shape))


def test_scores_are_those_of_all_images() -> None:
    found = resample(TARGETS, PERSONS, LABELS, 6, resamples=10)
    expected = [f1_score(TARGETS, run, average="macro") for run in LABELS]
    assert [found.f1(run).value for run in range(3)] == pytest.approx(expected, abs=1e-12)
    assert found.difference(1, 0).value == pytest.approx(expected[1] - expected[0], abs=1e-12)


def test_the_interval_is_the_paired_one_of_the_bootstrap_and_the_jackknife() -> None:
    found = resample(TARGETS, PERSONS, LABELS, 6, resamples=200, seed=8)
    draws = bootstrap_f1(TARGETS, PERSONS, LABELS, 6, resamples=200, seed=8)
    left_out = leave_one_out_f1(TARGETS, PERSONS, LABELS, 6)
    change = found.difference(1, 0)
    deviation = jackknife_deviation(left_out[:, 1] - left_out[:, 0])
    expected = interval(draws[:, 1] - draws[:, 0], estimate=change.value, deviation=deviation)
    assert (change.low, change.high) == pytest.approx(expected)
    one = found.f1(2)
    expected = interval(draws[:, 2], estimate=one.value, deviation=jackknife_deviation(left_out[:, 2]))
    assert (one.low, one.high) == pytest.approx(expected)


def test_a_run_does_not_differ_from_itself() -> None:
    assert resample(TARGETS, PERSONS, LABELS[[0, 0]], 6, resamples=50).difference(0, 1) == Estimate(0, 0, 0)


def test_the_other_way_round_is_the_mirror_image() -> None:
    found = resample(TARGETS, PERSONS, LABELS, 6, resamples=400)
    there, back = found.difference(0, 1), found.difference(1, 0)
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_one_person_tells_nothing() -> None:
    found = resample(TARGETS, np.zeros_like(PERSONS), LABELS, 6, resamples=5)
    assert (found.f1(0).low, found.f1(0).high) == (0, 1)
    assert (found.difference(0, 1).low, found.difference(0, 1).high) == (-1, 1)


def test_no_interval_leaves_what_is_possible() -> None:
    targets = np.array([0, 0, 1, 1])
    perfect = resample(targets, [0, 1, 2, 3], [targets, targets[::-1]], 2, resamples=100)
    both = resample(targets, [0, 1, 2, 3], [[0, 0, 1, 0], [0, 1, 0, 1]], 2, resamples=100)
    for estimate in (perfect.f1(0), perfect.f1(1), both.f1(0), both.f1(1)):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert -1 <= perfect.difference(1, 0).low and perfect.difference(0, 1).high <= 1
