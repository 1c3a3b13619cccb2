"""What takes a monitor's place where nothing is validated: the last epoch counts, whatever it scored."""

import math
from typing import Literal

from callbacks.monitor import Log


class LastEpoch:
    """Answers what callbacks ask a :class:`callbacks.monitor.Monitor`, from the training loss alone.

    An epoch whose training loss is not finite is never the best: its weights are of no use.
    """

    metric = "loss"
    mode: Literal["max", "min"] = "min"

    def values(self, log: Log) -> list[float]:
        """The training loss of every epoch."""
        return [row["train_loss"] for row in log]

    def best_epoch(self, log: Log) -> int | None:
        """Position (0-based) of the last epoch; None before the first, and where its loss is not finite."""
        return len(log) - 1 if log and math.isfinite(log[-1]["train_loss"]) else None

    def improved(self, log: Log) -> bool:
        """Whether the last epoch's weights are kept: always, but where they are of no use."""
        return self.best_epoch(log) is not None

    def epochs_since_best(self, log: Log) -> int:
        """0: nothing is ever stopped early."""
        return 0
