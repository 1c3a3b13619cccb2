"""Shows a short training to whoever started it, step by step, and lets them end it."""

from collections.abc import Callable
from typing import Any

import torch
from catalyst.core.callback import Callback

from callbacks import ORDER
from callbacks.optimizer import closes_window

AfterStep = Callable[[float], bool]
AfterEpoch = Callable[[dict[str, float]], bool]


class ProbeCallback(Callback):
    """Training ends once `after_step(loss)` or `after_epoch(row)` returns True.

    The loss is the mean over the images of an optimizer step, of `accumulate` batches, as they were before it; the row
    is the epoch's in the log. The device is waited for after every step, so that a clock read there tells the truth.
    """

    def __init__(self, accumulate: int, after_step: AfterStep | None, after_epoch: AfterEpoch | None) -> None:
        super().__init__(order=ORDER["probe"])
        self.accumulate, self.after_step, self.after_epoch = accumulate, after_step, after_epoch
        self.ended = False

    def on_loader_start(self, runner: Any) -> None:
        """Begin a window of batches."""
        self.sums: torch.Tensor | float = 0.0  # (divisors, 2) of loss * weight, and of weight

    def on_batch_end(self, runner: Any) -> None:
        """Report a step where its window closes."""
        if self.after_step is None or not runner.is_train_loader:
            return
        self.sums += torch.stack(
            [torch.stack([loss.detach().float() * weight, _beside(loss, weight)]) for loss, weight in runner.losses]
        )
        if closes_window(runner.loader_batch_step, runner.loader_batch_len, self.accumulate):
            means = [total / weight if weight else 0.0 for total, weight in torch.as_tensor(self.sums).tolist()]
            self.sums = 0.0
            if self.after_step(sum(means)):
                self.ended = runner.need_early_stop = True  # Catalyst leaves the loader, and forgets why

    def on_epoch_end(self, runner: Any) -> None:
        """Report the epoch, and end the training where a step or the epoch asked for it."""
        if self.ended or (self.after_epoch is not None and self.after_epoch(runner.history[-1])):
            runner.need_early_stop = True


def _beside(loss: torch.Tensor, weight: torch.Tensor | float) -> torch.Tensor:
    """A weight as a scalar on the loss' device."""
    return torch.as_tensor(weight, dtype=torch.float32, device=loss.device)
