"""Stops a run whose loss is no longer a number, before hours are spent on it."""

from typing import Any

import torch
from catalyst.core.callback import Callback

from callbacks import ORDER
from data.errors import DataError
from data.findings import some_names


class FiniteLossCallback(Callback):
    """Raises DataError once `patience` training batches in a row, also across epochs, had a NaN or infinite loss.

    Losses stay on the device and are read every `patience` batches and at an epoch's end: a GPU is not made to wait
    for each batch. The sentence names the images of the batch that was one too many.
    """

    def __init__(self, patience: int) -> None:
        super().__init__(order=ORDER["finite_loss"])
        self.patience = patience
        self.in_a_row = 0
        self.unread: list[tuple[int, torch.Tensor, torch.Tensor]] = []  # batch, its loss, its images

    def on_loader_start(self, runner: Any) -> None:
        """Forget the batches that an interrupted epoch left unread, not how many were bad."""
        self.unread.clear()

    def on_batch_end(self, runner: Any) -> None:
        """Note the batch; look at those noted now and then."""
        if not runner.is_train_loader:
            return
        self.unread.append((runner.loader_batch_step, runner.batch_metrics["loss"].detach(), runner.batch["index"]))
        if len(self.unread) == self.patience or runner.loader_batch_step == runner.loader_batch_len:
            self._read(runner)

    def batch_state(self) -> dict[str, Any]:
        """How many were bad in a row, and what is unread."""
        return {"in_a_row": self.in_a_row, "unread": self.unread}

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.in_a_row, self.unread = state["in_a_row"], state["unread"]

    def _read(self, runner: Any) -> None:
        bad = ~torch.isfinite(torch.stack([loss for _, loss, _ in self.unread]))
        flags = runner.engine.sum_over_processes(bad.int()).tolist()
        for flag, (batch, _, index) in zip(flags, self.unread, strict=True):
            self.in_a_row = self.in_a_row + 1 if flag else 0
            if self.in_a_row == self.patience:
                positions = runner.engine.rows_of_all_processes(index).tolist()
                images = [runner.loader.dataset.image_ids[position] for position in positions]
                raise DataError(
                    f"The training loss was NaN or infinite in {self.patience} batches in a row, the last one batch "
                    f"{batch} of epoch {runner.epoch_step} with the images {some_names(images)}: a smaller learning "
                    "rate or a clip_norm would be right; the state of the epoch before is kept."
                )
        self.unread.clear()
