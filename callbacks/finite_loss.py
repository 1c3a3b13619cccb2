"""Stops a run whose loss is no longer a number, before hours are spent on it."""

from typing import Any

import torch
from catalyst.core.callback import Callback

from callbacks import ORDER
from data.errors import DataError


class FiniteLossCallback(Callback):
    """Raises DataError once `patience` training batches in a row had a NaN or infinite loss.

    The counter lives on the device and is read every `patience` batches: a GPU is not made to wait for each batch.
    """

    def __init__(self, patience: int) -> None:
        super().__init__(order=ORDER["finite_loss"])
        self.patience = patience

    def on_loader_start(self, runner: Any) -> None:
        """Start counting afresh."""
        self.in_a_row = torch.zeros((), dtype=torch.int64, device=runner.engine.device)
        self.longest = self.in_a_row.clone()

    def on_batch_end(self, runner: Any) -> None:
        """Count the batch; a finite loss ends the row."""
        if not runner.is_train_loader:
            return
        bad = ~torch.isfinite(runner.batch_metrics["loss"].detach())
        self.in_a_row = (self.in_a_row + 1) * bad
        self.longest = torch.maximum(self.longest, self.in_a_row)
        last = runner.loader_batch_step == runner.loader_batch_len
        if (runner.loader_batch_step % self.patience == 0 or last) and int(self.longest) >= self.patience:
            raise DataError(
                f"The training loss was NaN or infinite in {int(self.longest)} batches in a row of epoch "
                f"{runner.epoch_step}, the last one batch {runner.loader_batch_step}: a smaller learning rate or "
                "a clip_norm would be right; the state of the epoch before is kept."
            )
