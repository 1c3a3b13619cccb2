import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.diagnostics.range_test import RangeTest, running_mean
from runners.diagnostics.rate_picture import draw_range_test
from runners.diagnostics.rate_suggestions import longest_descent, steepest, suggest, valley

RATES = np.geomspace(1e-7, 10, 100)


def curve(losses: np.ndarray, planned: int = 100, noise: float = 0.0) -> RangeTest:
    losses = losses + noise * np.random.default_rng(0).normal(size=len(losses))
    return RangeTest(RATES[: len(losses)], losses, running_mean(losses.tolist()), planned, 1e-3)


def test_the_steepest_slope_of_a_known_curve_is_found() -> None:
    decades = np.log10(RATES)
    losses = 2 - np.tanh(decades + 3)  # steepest at 1e-3
    assert steepest(RATES, losses) == pytest.approx(1e-3, rel=0.1)
    assert steepest(RATES, 2 - np.tanh(decades + 5)) == pytest.approx(1e-5, rel=0.1)


def test_the_valley_is_half_way_down_the_longest_descent() -> None:
    losses = np.concatenate([np.full(20, 3.0), np.linspace(2.9, 1, 41), np.linspace(1.1, 9, 39)])  # falls from 20 to 60
    losses[30] = 5.0  # one loss off the line does not end the descent
    assert valley(RATES, losses) in RATES[39:42]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9))
def test_the_longest_descent_is_the_longest_of_all_subsequences(values: list[int]) -> None:
    found = longest_descent([float(value) for value in values])
    taken = [values[position] for position in found]
    assert found == sorted(found) and all(a > b for a, b in zip(taken, taken[1:], strict=False))
    longest = 0
    for chosen in range(1, 2 ** len(values)):
        part = [value for bit, value in enumerate(values) if chosen >> bit & 1]
        if all(a > b for a, b in zip(part, part[1:], strict=False)):
            longest = max(longest, len(part))
    assert len(found) == longest


def test_all_rules_speak_for_rates_before_the_lowest_loss_and_the_tenth_is_a_tenth() -> None:
    falling = 3 - 2 / (1 + (1e-3 / RATES)) + np.where(RATES > 0.5, (RATES / 0.5) ** 2, 0)
    found = curve(falling, noise=0.05)
    suggested = suggest(found)
    lowest = found.rates[10:-5][found.smooth[10:-5].argmin()]
    assert suggested.refusal == "" and suggested.tenth == lowest / 10
    assert 1e-5 < suggested.valley < lowest and 1e-5 < suggested.steepest < lowest
    assert suggested.remark == ""
    still = suggest(curve(3 - np.clip(np.log10(RATES) + 4, 0, None) / 5))
    assert still.refusal == "" and "higher --to" in still.remark


@pytest.mark.parametrize(
    ("losses", "planned", "sentence"),
    [
        (np.full(100, 2.0), 100, "nothing is learnt at these rates"),
        (2 + 0.3 * np.random.default_rng(1).normal(size=100), 100, "no more than single steps"),
        (np.linspace(1, 5, 100), 100, "nothing is learnt"),
        (np.linspace(3, 1, 30), 100, "exploded after 30 of 100 steps, and 35 are needed: a lower --from"),
        (np.linspace(3, 1, 20), 20, "20 steps leave 13 losses, and 20 are needed: more --steps"),
        (np.array([2.0, np.nan]), 100, "exploded after 2 of 100"),
    ],
)
def test_where_nothing_can_be_suggested_the_reason_is_said(losses: np.ndarray, planned: int, sentence: str) -> None:
    suggested = suggest(curve(losses, planned))
    assert sentence in suggested.refusal
    assert np.isnan([suggested.valley, suggested.steepest, suggested.tenth]).all()
    assert draw_range_test("a $title", curve(losses, planned), suggested).startswith(b"\x89PNG")


def test_noise_alone_is_seldom_taken_for_learning() -> None:
    generator = np.random.default_rng(2)
    refused = [bool(suggest(curve(2 + 0.2 * generator.normal(size=100))).refusal) for _ in range(100)]
    assert sum(refused) >= 98
