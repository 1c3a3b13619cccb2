"""Which criterion an epoch is trained with: chosen by name, switched at declared epochs."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from catalyst.core.callback import ICriterionCallback

from callbacks import ORDER


def criterion_at(schedule: Mapping[int, str], epoch: int) -> str:
    """Name in force at a 1-based epoch, from {first epoch: name}; {1: "ce", 6: "f1"} gives "ce" in epochs 1 to 5."""
    return schedule[max(first for first in schedule if first <= epoch)]


def batch_weight(criterion: Any, targets: torch.Tensor) -> torch.Tensor | float:
    """What a criterion's mean over targets (B,) or (B, C) was divided by: its own word, or the number of images."""
    asked = getattr(criterion, "batch_weight", None)
    weight: torch.Tensor | float = asked(targets) if asked else float(len(targets))
    return weight


class CriterionCallback(ICriterionCallback):
    """Puts the batch's loss into ``runner.batch_metrics["loss"]`` and the loader's mean into its metrics.

    A loss is a mean over the batch. What it was divided by is its weight in ``runner.loss_weight``: the images, or what
    the criterion's `batch_weight(targets)` says where it has one (the sum of class weights). Means of several batches
    are put together by it, so they equal the mean over all their images, here and under gradient accumulation.

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
        self.sums = torch.zeros(2, device=runner.engine.device)  # loss * weight, weight

    def on_batch_end(self, runner: Any) -> None:
        """Loss of the batch: a scalar tensor with its graph."""
        logits, targets = runner.batch["logits"], runner.batch["targets"]  # (B, C), (B,) or (B, C)
        loss = self.criterion(logits, targets)
        weight = batch_weight(self.criterion, targets)
        runner.batch_metrics["loss"], runner.loss_weight = loss, weight
        self.sums[0] += loss.detach().float() * weight
        self.sums[1] += weight

    def on_loader_end(self, runner: Any) -> None:
        """Mean loss over the loader, summed over processes."""
        total, weight = runner.engine.sum_over_processes(self.sums).tolist()
        runner.loader_metrics["loss"] = total / weight if weight else math.nan
