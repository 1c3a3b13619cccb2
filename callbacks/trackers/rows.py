"""What trackers show of a log: they follow the committed one, so a run that goes on has no point twice."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from callbacks.monitor import Log


class Logged(Protocol):
    """What trackers read of a Catalyst runner."""

    history: Log
    epoch_step: int


def named(row: Mapping[str, float]) -> Iterator[tuple[str, str, float]]:
    """Loader, name and value of a row's numbers: "valid_f1" is f1 of "valid", "lr" is of no loader, ""."""
    for key, value in row.items():
        loader, _, name = key.partition("_")
        if loader in ("train", "valid") and name:
            yield loader, name, value
        elif key != "epoch":
            yield "", key, value


def unseen(runner: "Logged | Any", epoch: int) -> Log:
    """The rows after `epoch`: all of them for a tracker that begins anew; none where nothing is trained."""
    return [] if runner is None else [row for row in runner.history if row["epoch"] > epoch]
