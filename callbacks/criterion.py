"""Which criteria an epoch is trained with: chosen by name, summed with weights, switched at declared epochs."""

import math
from collections.abc import Mapping
from contextlib import nullcontext
from functools import reduce
from typing import Any, TypeVar

import torch
from catalyst.core.callback import ICriterionCallback

from callbacks import ORDER

Choice = TypeVar("Choice")
_ROOM = 256  # batches that losses are kept of, before there is room for as many more


def criterion_at(schedule: Mapping[int, Choice], epoch: int) -> Choice:
    """What is in force at a 1-based epoch, from {first epoch: choice}; {1: "ce", 6: "f1"} gives "ce" up to epoch 5."""
    return schedule[max(first for first in schedule if first <= epoch)]


def batch_weight(criterion: Any, targets: torch.Tensor) -> torch.Tensor | float:
    """What a criterion's mean over targets (B,) or (B, C) was divided by: its own word, or the number of images."""
    asked = getattr(criterion, "batch_weight", None)
    weight: torch.Tensor | float = asked(targets) if asked else float(len(targets))
    return weight


def target_key(criterion: Any) -> str:
    """What a batch has to be compared with under a criterion: "targets", or the `target_key` that it names."""
    return str(getattr(criterion, "target_key", "targets"))


class CriterionCallback(ICriterionCallback):
    """Puts the batch's loss into ``runner.batch_metrics["loss"]`` and the loader's mean into its metrics.

    schedule: {first epoch: {name in runner.criterion: weight}}, with an entry for epoch 1; the loss is the weighted
    sum. Where a schedule names several criteria, each is also logged by itself, as "loss_<name>", in every epoch,
    whether or not it is trained with: a number that can be compared across a switch.

    A loss is a mean over the batch. What it was divided by is its weight: the images, or what the criterion's
    `batch_weight(targets)` says where it has one (the sum of class weights). Means of several batches are put together
    by it, so they equal the mean over all their images, here and under gradient accumulation, for which
    ``runner.losses`` holds (loss, weight) of each part of the sum with a divisor of its own.

    Catalyst's own callback caches ``runner.criterion`` at the start of training, so that a criterion can never be
    switched with it.
    """

    def __init__(self, schedule: Mapping[int, Mapping[str, float]]) -> None:
        super().__init__()
        self.order = ORDER["criterion"]
        self.schedule = {first: dict(parts) for first, parts in schedule.items()}
        self.names = tuple(dict.fromkeys(name for first in sorted(self.schedule) for name in self.schedule[first]))

    def on_loader_start(self, runner: Any) -> None:
        """Take the epoch's criteria; forget the losses of the loader before."""
        self.parts = criterion_at(self.schedule, runner.epoch_step)
        # One block in place of a scalar a batch: small allocations that outlive a batch lie between its large ones, and
        # keep the allocator from using those again
        self.noted = torch.empty(2, len(self.names), _ROOM, device=runner.engine.device)  # losses, weights
        self.batches = 0

    def on_batch_end(self, runner: Any) -> None:
        """Loss of the batch: a scalar tensor with its graph."""
        logits = runner.batch["logits"]  # (B, C)
        sums: dict[str | None, tuple[torch.Tensor, torch.Tensor | float]] = {}  # losses and their weight, by divisor
        if self.batches == self.noted.shape[2]:
            self.noted = torch.cat([self.noted, torch.empty_like(self.noted)], 2)
        for row, name in enumerate(self.names):
            criterion, share = runner.criterion[name], self.parts.get(name)
            targets = runner.batch[target_key(criterion)]  # classes (B,) or (B, C), years (B,)
            with nullcontext() if share is not None else torch.no_grad():
                loss = criterion(logits, targets) if len(targets) else logits.sum()  # 0, of a process without images
            weight = batch_weight(criterion, targets)
            if share is not None:
                divisor = name if hasattr(criterion, "batch_weight") else None
                scaled = loss if share == 1 else share * loss
                sums[divisor] = (sums[divisor][0] + scaled if divisor in sums else scaled, weight)
            self.noted[0, row, self.batches], self.noted[1, row, self.batches] = loss.detach(), weight
        self.batches += 1
        runner.losses = tuple(sums.values())
        runner.batch_metrics["loss"] = reduce(torch.add, (loss for loss, _ in runner.losses))

    def batch_state(self) -> dict[str, Any]:
        """The loader's losses so far."""
        return {"noted": self.noted[..., : self.batches].clone()}

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.noted = state["noted"].to(self.noted.device)
        self.batches = self.noted.shape[2]

    def on_loader_end(self, runner: Any) -> None:
        """Mean losses over the loader, from sums over batches and processes; no batch has waited for them."""
        losses, weights = self.noted[..., : self.batches]  # (names, batches), twice
        sums = torch.stack([(losses * weights).sum(1), weights.sum(1)], 1)  # (names, 2)
        totals = runner.engine.sum_over_processes(sums).tolist()
        means = {
            name: total / weight if weight else math.nan
            for name, (total, weight) in zip(self.names, totals, strict=True)
        }
        runner.loader_metrics["loss"] = sum(share * means[name] for name, share in self.parts.items())
        if len(self.names) > 1:
            runner.loader_metrics.update({f"loss_{name}": mean for name, mean in means.items()})
