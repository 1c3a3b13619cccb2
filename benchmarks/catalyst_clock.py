"""What Catalyst's training epochs cost, read off its own events: one of its loggers, which are the last to be told."""

from collections.abc import Mapping
from typing import Any

from catalyst.core.logger import ILogger

from benchmarks.rounds import Cost, clock


class CatalystClock(ILogger):
    """costs[epoch]: from the end of the epoch before to the training loader's end, its metrics included.

    The first epoch begins when the experiment does, a few milliseconds of setting up before its first batch.
    commits[epoch]: from the validation loader's end to the epoch's end: what is saved, checked and told then.
    """

    def __init__(self) -> None:
        super().__init__(log_batch_metrics=False, log_epoch_metrics=True)
        self.costs: list[Cost] = []
        self.commits: list[Cost] = []
        self.since = clock()

    def log_hparams(self, *arguments: Any, **keywords: Any) -> None:
        """The experiment begins."""
        self.since = clock()

    def log_metrics(self, metrics: Mapping[str, float], scope: str, runner: Any) -> None:
        """A loader or an epoch has ended."""
        if scope == "loader" and runner.is_train_loader:
            self.costs.append(clock() - self.since)
        elif scope == "loader":
            self.since = clock()
        elif scope == "epoch":
            self.commits.append(clock() - self.since)
            self.since = clock()

    def log_image(self, *arguments: Any, **keywords: Any) -> None:
        """Pictures cost nothing here."""

    def log_artifact(self, *arguments: Any, **keywords: Any) -> None:
        """Nor do files."""

    def finish(self, done: bool) -> None:
        """Nothing to close."""
