"""Ends a fold that no longer improves."""

from typing import Any

from catalyst.core.callback import Callback

from callbacks import ORDER
from callbacks.monitor import Monitor


class EarlyStoppingCallback(Callback):
    """Stops after `patience` epochs without a better monitored number.

    It has no state: the number of epochs since the best is read off the log, which the checkpoint holds, so a
    continued run stops where an uninterrupted one would.
    """

    def __init__(self, monitor: Monitor, patience: int) -> None:
        super().__init__(order=ORDER["early_stopping"])
        self.monitor = monitor
        self.patience = patience

    def on_experiment_start(self, runner: Any) -> None:
        """A run killed just after its last commit must not train one epoch more."""
        self.on_epoch_end(runner)

    def on_epoch_end(self, runner: Any) -> None:
        """Ask the runner to stop."""
        if self.monitor.epochs_since_best(runner.history) >= self.patience:
            runner.need_early_stop = True
