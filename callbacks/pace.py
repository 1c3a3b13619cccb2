"""Measures how long a training batch takes, once, from the first ones."""

import time
from collections.abc import Callable
from typing import Any

from catalyst.core.callback import Callback

from callbacks import ORDER

WARM_UP = 5  # batches that are slower than all others, and not counted


class PaceCallback(Callback):
    """`tell(seconds)` after `batches` training batches in all: the mean from the end of one to the end of the next.

    So loading is part of it; what lies between two epochs is not. Nothing is told of a training that is shorter.
    """

    def __init__(self, batches: int, tell: Callable[[float], object]) -> None:
        super().__init__(order=ORDER["pace"])
        self.batches, self.tell = batches, tell
        self.seen, self.seconds = 0, list[float]()
        self.last: float | None = None

    def on_loader_start(self, runner: Any) -> None:
        """No batch of this loader has ended."""
        self.last = None

    def on_batch_end(self, runner: Any) -> None:
        """Take the time of a training batch; tell when there are enough."""
        if not runner.is_train_loader or self.seen == self.batches:
            return
        now = time.perf_counter()
        self.seen += 1
        if self.last is not None and self.seen > WARM_UP:
            self.seconds.append(now - self.last)
        self.last = now
        if self.seen == self.batches and self.seconds:
            self.tell(sum(self.seconds) / len(self.seconds))
