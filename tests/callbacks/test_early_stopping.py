import math
from types import SimpleNamespace

import pytest

from callbacks.early_stopping import EarlyStoppingCallback
from callbacks.monitor import Monitor


def stopped_at(values: list[float], patience: int, mode: str = "max", killed_after: int | None = None) -> int:
    """Number of epochs run when the watched metric takes these values, optionally with a restart in between."""
    runner = SimpleNamespace(history=[], need_early_stop=False)
    callback = EarlyStoppingCallback(Monitor("f1", mode), patience)
    for epoch, value in enumerate(values, 1):
        if runner.need_early_stop:
            return epoch - 1
        runner.history.append({"epoch": epoch, "valid_f1": value})
        callback.on_epoch_end(runner)
        if epoch == killed_after:  # the log survives, everything in memory is gone
            runner = SimpleNamespace(history=list(runner.history), need_early_stop=False)
            callback = EarlyStoppingCallback(Monitor("f1", mode), patience)
            callback.on_experiment_start(runner)
    return len(values)


@pytest.mark.parametrize(
    ("values", "patience", "epochs"),
    [
        ([0.1, 0.2, 0.2, 0.2, 0.9], 2, 4),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1, 5),
        ([0.5, 0.4, 0.6, 0.5, 0.4, 0.3, 0.2], 3, 6),
        ([math.nan, math.nan, 0.5, 0.6], 2, 2),
        ([math.nan, 0.5, 0.4, 0.6], 2, 4),
    ],
)
def test_stops_after_patience_epochs_without_improvement(values: list[float], patience: int, epochs: int) -> None:
    assert stopped_at(values, patience) == epochs


def test_smaller_is_better_where_declared() -> None:
    assert stopped_at([0.5, 0.4, 0.6, 0.7, 0.1], 2, mode="min") == 4


@pytest.mark.parametrize("killed_after", range(1, 8))
def test_a_restart_at_any_epoch_stops_at_the_same_epoch(killed_after: int) -> None:
    values = [0.1, 0.3, 0.2, 0.4, 0.3, 0.3, 0.2, 0.9]
    assert stopped_at(values, 3, killed_after=killed_after) == stopped_at(values, 3) == 7
