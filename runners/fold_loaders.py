"""A fold's images as batches: to train on, to validate with, and to predict."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from data.datasets import ImageDataset
from data.errors import DataError
from data.in_hand import InHand
from data.loaders import make_loader, worker_deaths_named
from data.samplers import SequentialSampler
from data.training_rows import Soft
from runners.display import Progress
from runners.experiment import build
from runners.fold_rows import Fold
from runners.inference import predict


def make_loaders(fold: Fold) -> dict[str, Any]:
    """The training loader in the sampler's order, the validation loader in the table's; a final fit has none.

    Where several processes train the fold together, each has its part of every batch.
    """
    experiment = fold.experiment
    if fold.train.empty or (fold.valid.empty and not fold.unvalidated):
        lacking = "train on" if fold.train.empty else "validate with"
        raise DataError(f"split: {fold.title} has no image to {lacking}: persons in every fold would be right.")
    transform = build("train_transform", experiment.train_transform)
    loaders = {"train": _loader(fold, fold.train, transform, fold.sampler, fold.training.soft)}
    if not fold.unvalidated:
        loaders["valid"] = still_loader(fold, fold.valid)
    return loaders


def still_loader(fold: Fold, table: pd.DataFrame) -> Any:
    """A table's images as they are validated and predicted: not augmented, in the table's order."""
    return _loader(fold, table, fold.experiment.valid_transform(), SequentialSampler(len(table)))


def _loader(fold: Fold, table: pd.DataFrame, transform: Any, sampler: Any, soft: Soft | None = None) -> Any:
    in_hand = InHand(fold.compute.known_workers, fold.experiment.batch_size) if fold.compute.known_workers else None
    dataset = ImageDataset(
        fold.data.root,
        table,
        transform,
        seed=fold.experiment.seed,
        caches=fold.caches,
        soft=soft,
        in_hand=in_hand,
    )
    return make_loader(
        dataset,
        sampler,
        batch_size=fold.experiment.batch_size,
        workers=fold.compute.known_workers,
        pin_memory=fold.compute.device != "cpu",
        rank=fold.rank,
        ranks=fold.compute.ranks,
    )


def probabilities(fold: Fold, table: pd.DataFrame, model: nn.Module, progress: Progress) -> NDArray[np.float32]:
    """Probabilities (n, C) of a table's rows; an empty table gives an empty array."""
    if table.empty:
        return np.zeros((0, fold.classes), np.float32)
    loader = still_loader(fold, table)
    tick = partial(progress.advance, 1, f"{fold.title} predicts")
    with worker_deaths_named([loader]):
        return predict([model], loader, fold.experiment.tta, fold.experiment.activation, fold.compute.device, tick)[0]
