"""Which criterion an epoch is trained with: chosen by name, switched at declared epochs."""

from collections.abc import Mapping
from typing import Any

import torch
from catalyst.core.callback import ICriterionCallback

from callbacks import ORDER


def criterion_at(schedule: Mapping[int, str], epoch: int) -> str:
    """Name in force at a 1-based epoch, from {first epoch: name}; {1: "ce", 6: "f1"} gives "ce" in epochs 1 to 5."""
    return schedule[max(first for first in schedule if first <= epoch)]


class CriterionCallback(ICriterionCallback):
    """Puts the batch's loss into ``runner.batch_metrics["loss"]`` and the loader's mean over images into its metrics.

    schedule: {first epoch: name in runner.criterion}, with an entry for epoch 1. Catalyst's own callback caches
    ``runner.criterion`` at the start of training, so a criterion can never be switched with it.
    """

    def __init__(self, schedule: Mapping[int, str]) -> None:
        super().__init__()
        self.order = ORDER["criterion"]
        self.schedule = dict(schedule)

    def on_loader_start(self, runner: Any) -> None:
        """Take the epoch's criterion; start the loader's sum on the device, so that no batch waits for it."""
        self.criterion = runner.criterion[criterion_at(self.schedule, runner.epoch_step)]
        self.loss_sum = torch.zeros((), device=runner.engine.device)
        self.images = 0

    def on_batch_end(self, runner: Any) -> None:
        """Loss of the batch: a scalar tensor with its graph."""
        logits, targets = runner.batch["logits"], runner.batch["targets"]  # (B, C), (B,) or (B, C)
        loss = self.criterion(logits, targets)
        runner.batch_metrics["loss"] = loss
        self.loss_sum += loss.detach().float() * len(logits)
        self.images += len(logits)

    def on_loader_end(self, runner: Any) -> None:
        """Mean loss over the loader's images, summed over processes."""
        sums = torch.stack((self.loss_sum, self.loss_sum.new_tensor(float(self.images))))
        total, images = runner.engine.sum_over_processes(sums).tolist()
        runner.loader_metrics["loss"] = total / images
