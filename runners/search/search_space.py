"""What a search may vary: fields of an experiment by their path, each with a range.

A path walks through fields, names of criteria and keywords: "optimizer.lr", "criteria.focal.gamma", "batch_size".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from data.errors import DataError
from runners.experiment import Experiment


@dataclass(frozen=True)
class Uniform:
    """Any number from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class LogUniform:
    """Any number from `low` to `high`, each order of magnitude as likely as the next."""

    low: float
    high: float


@dataclass(frozen=True)
class Integer:
    """Any whole number from `low` to `high`."""

    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """One of some numbers, texts or None."""

    options: tuple[float | int | str | None, ...]


Range = Uniform | LogUniform | Integer | Choice
Space = Mapping[str, Range]
_OF_ALL_TRIALS = ("name", "parent", "seed", "split", "corrections", "extra_data")  # what trials are compared on


def check_space(experiment: Experiment, space: Space) -> None:
    """DataError where a path leads nowhere, or to what all trials share, or a range is none."""
    if not space:
        raise DataError(f"{experiment.name} marks nothing to search: SEARCH = {{path: range}} in its module would.")
    for path, range_ in space.items():
        first = path.partition(".")[0]
        if first in _OF_ALL_TRIALS:
            raise DataError(
                f"SEARCH names {path!r}: trials that differ in {first} could not be compared; a field that training "
                "depends on would be right."
            )
        field_value(experiment, path)
        if not isinstance(range_, Range):
            raise DataError(f"SEARCH[{path!r}] is {range_!r}: Uniform, LogUniform, Integer or Choice would be right.")
        if isinstance(range_, Choice):
            if len(range_.options) < 2:
                raise DataError(f"SEARCH[{path!r}] offers {range_.options!r}: two options or more would be right.")
        elif not range_.low < range_.high or (isinstance(range_, LogUniform) and range_.low <= 0):
            above = "0 < low < high" if isinstance(range_, LogUniform) else "low < high"
            raise DataError(f"SEARCH[{path!r}] goes from {range_.low} to {range_.high}: {above} would be right.")


def field_value(experiment: Experiment, path: str) -> Any:
    """The value that the experiment declares at a path; DataError lists what there is where it leads nowhere."""
    value: Any = experiment
    for depth, step in enumerate(path.split(".")):
        below = _below(value)
        if step not in below:
            where = ".".join(path.split(".")[:depth]) or experiment.name
            raise DataError(
                f"SEARCH names {path!r}: {where} has no {step!r}; it has {', '.join(map(str, below)) or 'nothing'}."
            )
        value = below[step]
    return value


def with_values(experiment: Experiment, values: Mapping[str, Any]) -> Experiment:
    """The experiment with other values at some paths; all else stays, and all checks are made again."""
    changed: Any = experiment
    for path, value in values.items():
        changed = _replaced(changed, path.split("."), value)
    result: Experiment = changed
    return result


def _below(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Experiment):
        return vars(value)
    if isinstance(value, partial):
        return dict(value.keywords)
    return value if isinstance(value, Mapping) else {}


def _replaced(value: Any, steps: list[str], new: Any) -> Any:
    if not steps:
        return new
    inner = _replaced(_below(value)[steps[0]], steps[1:], new)
    if isinstance(value, Experiment):
        return replace(value, **{steps[0]: inner})
    if isinstance(value, partial):
        return partial(value.func, **{**value.keywords, steps[0]: inner})
    return {**value, steps[0]: inner}
