"""The learning-rate schedule, stepped where it was declared to be: each epoch or each optimizer step."""

import inspect
from typing import Any, Literal

from catalyst.core.callback import ISchedulerCallback

from callbacks import ORDER
from callbacks.monitor import Monitor
from callbacks.optimizer import closes_window
from data.errors import DataError


class SchedulerCallback(ISchedulerCallback):
    """Steps ``runner.scheduler`` every "epoch" or every optimizer "step".

    One whose step asks for `metrics`, as ReduceLROnPlateau's does, gets the monitored number.

    Catalyst adds a scheduler callback of its own only for classes that torch gave up in version 2: without this one a
    schedule is silently never stepped.
    """

    def __init__(self, every: Literal["epoch", "step"], accumulate: int, monitor: Monitor) -> None:
        super().__init__()
        self.order = ORDER["scheduler"]
        self.every = every
        self.accumulate = accumulate
        self.monitor = monitor

    def on_batch_end(self, runner: Any) -> None:
        """Follow the optimizer's steps."""
        if self.every == "step" and runner.is_train_loader:
            if closes_window(runner.loader_batch_step, runner.loader_batch_len, self.accumulate):
                self._step(runner)

    def on_epoch_end(self, runner: Any) -> None:
        """Follow the epochs."""
        if self.every != "epoch":
            return
        if "metrics" in inspect.signature(runner.scheduler.step).parameters:
            runner.scheduler.step(self.monitor.values(runner.history)[-1])
        else:
            self._step(runner)

    def _step(self, runner: Any) -> None:
        try:
            runner.scheduler.step()
        except ValueError as error:  # OneCycleLR beyond its total_steps
            name = type(runner.scheduler).__name__
            raise DataError(
                f"scheduler: {name} refuses another {self.every} in epoch {runner.epoch_step} of {runner.num_epochs} "
                f"({error}): its length in steps of the whole fold, or epochs, would be right."
            ) from error
