"""What `criterion` declares: a name, {name: weight} for a weighted sum, or {first epoch: one of these}."""

import math
from collections.abc import Mapping
from typing import Any

from data.errors import DataError

Weights = dict[str, float]  # {name of a criterion: its weight in the sum}


def criterion_schedule(criterion: Any) -> dict[int, Weights]:
    """{first epoch: {name: weight}} of a declaration, in the order of epochs; a name alone weighs 1.

    Raises DataError for what is none of the three forms.
    """
    epochs = criterion if _by_epoch(criterion) else {1: criterion}
    if not all(_is_whole(first) for first in epochs):
        raise DataError(f"criterion is {criterion!r}: either epochs or names are its keys, not both.")
    return {first: _weights(epochs[first]) for first in sorted(epochs)}


def check_criterion(criterion: Any, criteria: Mapping[str, Any], epochs: int, metric: str) -> None:
    """DataError, one sentence, where the fields contradict each other; `metric` is the monitored one."""
    schedule = criterion_schedule(criterion)
    if not schedule or min(schedule) != 1:
        raise DataError(f"criterion is {criterion!r}: it must say which criterion epoch 1 takes.")
    if max(schedule) > epochs:
        raise DataError(f"criterion switches at epoch {max(schedule)}, epochs is {epochs}: it never would.")
    if metric == "loss" and any(parts != schedule[1] for parts in schedule.values()):
        raise DataError(
            "monitor is 'loss' and criterion switches: losses of two criteria can't be compared; a metric such as 'f1' "
            "would be right."
        )
    for name in named_criteria(schedule):
        if name not in criteria:
            raise DataError(f"criterion names {name!r}, which is not in criteria; available: {', '.join(criteria)}.")


def named_criteria(schedule: Mapping[int, Mapping[str, float]]) -> tuple[str, ...]:
    """Every criterion that a schedule names, once, in the order of its first use."""
    return tuple(dict.fromkeys(name for first in sorted(schedule) for name in schedule[first]))


def from_json(criterion: Any) -> Any:
    """The declaration that a record was made of: JSON has no whole numbers as keys."""
    if isinstance(criterion, Mapping) and all(isinstance(part, str | Mapping) for part in criterion.values()):
        return {int(first): part for first, part in criterion.items()}
    return criterion


def _by_epoch(criterion: Any) -> bool:
    return isinstance(criterion, Mapping) and any(_is_whole(key) for key in criterion)


def _weights(part: Any) -> Weights:
    if isinstance(part, str):
        return {part: 1.0}
    if not isinstance(part, Mapping) or not all(isinstance(name, str) for name in part):
        raise DataError(
            f"criterion is {part!r}: a name, {{name: weight}}, or a dict of either by first epoch would be right."
        )
    for name, weight in part.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 < weight < math.inf:
            raise DataError(f"criterion weighs {name!r} with {weight!r}: a number above 0 would be right.")
    if not part:
        raise DataError("criterion is {}: one name or more would be right.")
    return {name: float(weight) for name, weight in part.items()}


def _is_whole(key: Any) -> bool:
    return isinstance(key, int) and not isinstance(key, bool)
