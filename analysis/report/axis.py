"""A chart's axis: values to positions, and round numbers to mark it with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # between two marks, times a power of ten
LOG_STEPS = (1.0, 2.0, 5.0)
LOG_FROM = 20.0  # largest / smallest value from which a logarithmic axis shows more


@dataclass(frozen=True)
class Axis:
    """Values low..high on positions start..end (end < start where values grow upwards)."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Position of a value."""
        low, high, value = (
            map(math.log, (self.low, self.high, value)) if self.logarithmic else (self.low, self.high, value)
        )
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def marks(self, about: int = 5) -> list[float]:
        """Round values within the axis, about that many."""
        return _log_marks(self.low, self.high) if self.logarithmic else _linear_marks(self.low, self.high, about)


def linear_axis(values: Iterable[float], start: float, end: float, about: int = 5) -> Axis:
    """An axis from round number to round number around all values; 0..1 where there is none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Axis(0.0, 1.0, start, end)
    low, high = min(finite), max(finite)
    around = max(1.0, abs(low), abs(high))
    if high - low < 1e-9 * around:
        low, high = low - 0.05 * around, high + 0.05 * around
    step = round_step((high - low) / about)
    return Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end)


def loss_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Logarithmic where positive values span more than LOG_FROM to one, else linear."""
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) / min(finite) > LOG_FROM:
        return Axis(min(finite) / 1.1, max(finite) * 1.1, start, end, logarithmic=True)
    return linear_axis(finite, start, end)


def round_step(about: float) -> float:
    """The smallest of STEPS times a power of ten that is no less than `about` > 0."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(step * power for step in STEPS if step * power >= about * (1 - 1e-9))


def mark_text(value: float) -> str:
    """A mark's number, short: 0.4, 20, 1e-05."""
    return f"{value:.4g}" if abs(value) > 1e-12 else "0"


def _linear_marks(low: float, high: float, about: int) -> list[float]:
    step = round_step((high - low) / about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _log_marks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [step * 10.0**power for power in powers for step in LOG_STEPS]
    inside = [mark for mark in marks if low <= mark <= high]
    return inside if len(inside) <= 8 else [mark for mark in inside if f"{mark:e}".startswith("1.")]
