"""Which learning rate a range test speaks for, by three customary rules, and when it speaks for none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runners.diagnostics.range_test import RangeTest

FEWEST = 20  # losses that a rule needs
LAST = 5  # losses before the end that no rule looks at: there the training explodes
_SIGMA = 1.4826  # standard deviations in a median absolute deviation of a normal distribution

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suggestions:
    """Rates for `optimizer`. `refusal` says why there are none; then the three are NaN."""

    valley: float  # half-way down the longest descent
    steepest: float  # where the loss falls fastest
    tenth: float  # a tenth of the rate with the lowest loss
    refusal: str
    remark: str


def suggest(found: RangeTest) -> Suggestions:
    """The rules applied to the running mean, without its first tenth, which wavers, and the last steps.

    None where too few losses are left, or where the mean falls by less than what single losses scatter by: then it may
    have fallen by chance.
    """
    first = found.planned // 10
    kept = slice(first, max(first, len(found.rates) - LAST))
    rates, smooth = found.rates[kept], found.smooth[kept]
    finite = np.isfinite(smooth)
    rates, smooth = rates[finite], smooth[finite]
    if len(rates) < FEWEST:
        return _none(
            f"the loss exploded after {len(found.rates)} of {found.planned} steps, and {FEWEST + first + LAST} are "
            "needed: a lower --from would be right"
            if found.diverged
            else f"{found.planned} steps leave {len(rates)} losses, and {FEWEST} are needed: more --steps are right"
        )
    lowest = int(smooth.argmin())
    start, scatter = smooth[: lowest + 1].max(), _scatter(found.losses[np.isfinite(found.losses)][: first + lowest + 1])
    if not start - smooth[lowest] > max(scatter, 1e-6 * abs(start)):
        return _none(
            f"the running mean of the loss falls by {start - smooth[lowest]:.3f} at most, no more than single steps "
            f"scatter by ({scatter:.3f}): nothing is learnt at these rates"
        )
    falling = lowest == len(rates) - 1 and not found.diverged
    remark = "the loss still falls at the highest rate: a higher --to tells more" if falling else ""
    return Suggestions(valley(rates, smooth), steepest(rates, smooth), float(rates[lowest]) / 10, "", remark)


def steepest(rates: Floats, losses: Floats) -> float:
    """The rate (of S) where the loss has its smallest slope over the logarithm of the rate."""
    return float(rates[np.gradient(losses, np.log(rates)).argmin()])


def valley(rates: Floats, losses: Floats) -> float:
    """The rate in the middle of the longest descent: the longest series of ever smaller losses, others left out."""
    descent = longest_descent(losses.tolist())
    return float(rates[descent[len(descent) // 2]])


def longest_descent(values: Sequence[float]) -> list[int]:
    """Positions of the longest strictly decreasing subsequence; the first found among equally long ones."""
    length, before = [1] * len(values), [-1] * len(values)
    for here, value in enumerate(values):
        for earlier in range(here):
            if values[earlier] > value and length[earlier] + 1 > length[here]:
                length[here], before[here] = length[earlier] + 1, earlier
    position, descent = length.index(max(length)), list[int]()
    while position >= 0:
        descent.append(position)
        position = before[position]
    return descent[::-1]


def _scatter(losses: Floats) -> float:
    """Standard deviation of single losses around their trend, from differences of neighbours; outliers count little."""
    return float(_SIGMA * np.median(np.abs(np.diff(losses))) / 2**0.5) if len(losses) > 1 else float("inf")


def _none(refusal: str) -> Suggestions:
    return Suggestions(float("nan"), float("nan"), float("nan"), refusal, "")
