"""Ends a fold between two batches when a stop is asked for, with a state from which the next batch follows."""

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, Protocol

from catalyst.core.callback import Callback

from callbacks import ORDER
from callbacks.batch_state import batch_state, place
from callbacks.checkpoint import CheckpointCallback, State


class Stop(Protocol):
    """A request to end."""

    asked: bool

    def heed(self, last: Callable[[], object] = ...) -> NoReturn:
        """Do a last thing and raise what ends the process."""


class StopCallback(Callback):
    """Looks at ``stop.asked`` after every batch: saves the fold in the middle of its epoch, says so, and ends it.

    At an epoch's start and end there is nothing to save: that is where its last commit stands. What can't be written
    is said, and costs the epoch. Of a fold in several processes nothing is saved, since they may be a batch apart.
    """

    def __init__(
        self,
        title: str,
        stop: Stop,
        checkpoint: CheckpointCallback,
        save: Callable[[State], None],
        line: Callable[[str], None],
    ) -> None:
        super().__init__(order=ORDER["stop"])
        self.title, self.stop, self.checkpoint, self.save, self.line = title, stop, checkpoint, save, line

    def on_epoch_start(self, runner: Any) -> None:
        """Asked for while the fold was made ready."""
        if self.stop.asked:
            self.stop.heed()

    def on_batch_end(self, runner: Any) -> None:
        """Save what is between this batch and the next."""
        if self.stop.asked:
            self.stop.heed(partial(self._save, runner))

    def on_epoch_end(self, runner: Any) -> None:
        """The epoch has been committed."""
        if self.stop.asked:
            self.stop.heed()

    def _save(self, runner: Any) -> None:
        if runner.engine.num_processes > 1:
            return
        where = place(runner.epoch_step, runner.loader_key, runner.loader_batch_step, runner.loader_batch_len)
        try:
            self.save({**self.checkpoint.state(runner), "batch": batch_state(runner)})
        except OSError as error:
            told = f"{error.filename}: {error.strerror}"
            self.line(f"warning: {told}. Therefore {self.title} is not saved in {where}: the epoch is trained again.")
        else:
            self.line(f"{self.title}  saved in {where}")
