"""Mixes the images of every training batch before the network sees it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from catalyst.core.callback import Callback
from torch.nn import functional

from callbacks import ORDER

Mix = Callable[[torch.Tensor, torch.Tensor, np.random.Generator], tuple[torch.Tensor, torch.Tensor]]


class MixCallback(Callback):
    """Images and targets of training batches become what `mix` makes of them, drawn from (seed, fold, epoch, batch).

    Nothing else decides about a batch: not the workers, not whether the run was continued. Where several processes have
    parts of a batch, each mixes its own, drawn from its rank too.
    """

    def __init__(self, mix: Mix, classes: int, *, seed: int, fold: int) -> None:
        super().__init__(order=ORDER["mix"])
        self.mix, self.classes, self.seed, self.fold = mix, classes, seed, fold

    def on_batch_start(self, runner: Any) -> None:
        """Mix on the device."""
        if not runner.is_train_loader or not len(runner.batch["features"]):
            return
        batch = {name: values.to(runner.engine.device, non_blocking=True) for name, values in runner.batch.items()}
        rank = runner.engine.process_index
        key = (self.seed, self.fold, runner.epoch_step, runner.loader_batch_step, *((rank,) if rank else ()))
        runner.batch = mixed_batch(self.mix, batch, self.classes, key)


def mixed_batch(
    mix: Mix, batch: dict[str, torch.Tensor], classes: int, key: tuple[int, ...]
) -> dict[str, torch.Tensor]:
    """A batch with mixed features and soft targets (B, classes); key: seed, fold, epoch, batch, from 1 on; rank.

    Two persons have no one age: "years" become NaN, not known.
    """
    targets = batch["targets"]  # (B,) or (B, C)
    soft = targets if targets.ndim == 2 else functional.one_hot(targets, classes).float()
    features, mixed = mix(batch["features"], soft, np.random.default_rng(key))
    ages = {"years": torch.full_like(batch["years"], torch.nan)} if "years" in batch else {}
    return {**batch, **ages, "features": features, "targets": mixed}
