"""One fold: its loaders, model and callbacks given to the Catalyst runner, then its predictions."""

import inspect
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from catalyst.core.callback import Callback
from numpy.typing import NDArray
from torch import nn

from callbacks.checkpoint import CheckpointCallback
from callbacks.criterion import CriterionCallback
from callbacks.early_stopping import EarlyStoppingCallback
from callbacks.f1 import F1Callback
from callbacks.finite_loss import FiniteLossCallback
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from callbacks.progress import ProgressCallback
from callbacks.scheduler import SchedulerCallback
from data.cache import ImageCache
from data.datasets import ImageDataset
from data.errors import DataError
from data.loaders import make_loader
from data.metadata import ImageData
from data.samplers import SequentialSampler, ShuffledSampler
from runners.display import Progress
from runners.environment import Compute
from runners.experiment import Experiment, Factory, build
from runners.fold_state import FoldState
from runners.inference import predict
from runners.run_folder import FoldFolder
from runners.state import read_checkpoint, write_checkpoint, write_table
from runners.supervised import ClassificationRunner, make_engine
from runners.timing import Timing

NON_FINITE_BATCHES = 5  # in a row, before a run is given up


@dataclass(frozen=True)
class Fold:
    """What one fold is made of; plain values, so that it can be sent to another process."""

    experiment: Experiment
    data: ImageData
    folds: NDArray[np.int64]  # (N,) the fold that validates each training image, -1 for none
    number: int
    folder: FoldFolder
    compute: Compute
    caches: tuple[ImageCache, ...]  # of decoded images, by size

    @cached_property
    def train(self) -> pd.DataFrame:
        """Rows trained on."""
        return self.data.train[self.folds != self.number]

    @cached_property
    def valid(self) -> pd.DataFrame:
        """Rows validated on, and predicted out of fold."""
        return self.data.train[self.folds == self.number]

    @property
    def classes(self) -> int:
        """Number of classes, whether or not each occurs in this fold."""
        return len(self.data.class_names)

    @property
    def title(self) -> str:
        """The fold as a person counts it."""
        return f"fold {self.number + 1}/{self.folds.max() + 1}"

    @property
    def epoch_batches(self) -> int:
        """Batches of an epoch, training and validation."""
        size = self.experiment.batch_size
        return sum(-(-images // size) for images in (len(self.train), len(self.valid)))

    @property
    def batches(self) -> int:
        """Batches of the whole fold, predictions included: what a progress bar counts."""
        size = self.experiment.batch_size
        predicted = sum(-(-images // size) for images in (len(self.valid), len(self.data.test)))
        return self.experiment.epochs * self.epoch_batches + predicted

    @property
    def seed(self) -> int:
        """Seed of the fold's weights and epochs: spread out, since Catalyst adds the epoch to it."""
        return int(np.random.SeedSequence([self.experiment.seed, self.number]).generate_state(1)[0] >> 1)


def run_fold(fold: Fold, progress: Progress) -> dict[str, NDArray[Any]]:
    """Train a fold, or go on with it, or find it done; returns its predictions.

    "valid" (n, C) probabilities in the order of the fold's rows, "test" (M, C), and scalars "best_epoch", "epochs".
    Raises DataError where no epoch had a finite loss and monitored number.
    """
    state = FoldState(fold.folder, progress.line)
    done = state.load_predictions()
    if done is not None:
        progress.advance(fold.batches, fold.title)
        return done
    torch.set_num_threads(fold.compute.threads)
    runner = train_fold(fold, state, progress)
    best = fold.experiment.watched.best_epoch(runner.history)
    if best is None:
        metric = fold.experiment.monitor[0]
        raise DataError(f"{fold.title} has no best epoch: in none were the losses and {metric} finite numbers.")
    checkpoint = read_checkpoint(fold.folder.best)
    if checkpoint["metrics"] != runner.history[best]:
        raise DataError(f"{fold.folder.best} holds other weights than those of epoch {best + 1}: delete it, and go on.")
    model = runner.engine.unwrap_model(runner.model, keep_fp32_wrapper=False)
    model.load_state_dict(checkpoint["model"])
    predictions = {
        "valid": _probabilities(fold, fold.valid, model, progress),
        "test": _probabilities(fold, fold.data.test, model, progress),
        "best_epoch": np.asarray(best + 1),
        "epochs": np.asarray(runner.epoch_step),
    }
    state.save_predictions(predictions)
    fold.folder.previous.unlink(missing_ok=True)
    return predictions


def train_fold(fold: Fold, state: FoldState, progress: Progress) -> ClassificationRunner:
    """Run Catalyst over the fold's epochs, from the last committed one on."""
    experiment = fold.experiment
    torch.manual_seed(fold.seed)  # Catalyst seeds only after the model is built
    model = build("model", experiment.model, num_classes=fold.classes)
    optimizer = build("optimizer", experiment.optimizer, model.parameters())
    runner = ClassificationRunner()
    runner.train(
        loaders=make_loaders(fold),
        model=model,
        engine=make_engine(fold.compute.device),
        criterion=make_criteria(fold),
        optimizer=optimizer,
        scheduler=build("scheduler", experiment.scheduler, optimizer) if experiment.scheduler else None,
        callbacks=make_callbacks(fold, state, progress),
        num_epochs=experiment.epochs,
        seed=fold.seed,
    )
    return runner


def make_loaders(fold: Fold) -> dict[str, Any]:
    """The training loader in the sampler's order, the validation loader in the table's."""
    experiment = fold.experiment
    shuffled = experiment.sampler or partial(ShuffledSampler)
    if fold.train.empty or fold.valid.empty:
        lacking = "train on" if fold.train.empty else "validate with"
        raise DataError(f"split: {fold.title} has no image to {lacking}: persons in every fold would be right.")
    sampler = build("sampler", shuffled, len(fold.train), seed=experiment.seed, fold=fold.number)
    return {
        "train": _loader(fold, fold.train, build("train_transform", experiment.train_transform), sampler),
        "valid": _loader(fold, fold.valid, experiment.valid_transform(), SequentialSampler(len(fold.valid))),
    }


def make_criteria(fold: Fold) -> dict[str, nn.Module]:
    """Every declared criterion by name; those that ask for `class_counts` get the training rows', (C,)."""
    counts = torch.bincount(torch.tensor(fold.train["target"].to_numpy()), minlength=fold.classes)

    def criterion(name: str, factory: Factory) -> nn.Module:
        asks, field = "class_counts" in inspect.signature(factory.func).parameters, f"criteria[{name!r}]"
        built: nn.Module = build(field, factory, **({"class_counts": counts} if asks else {}))
        logits = torch.zeros(1, fold.classes)
        build(field, partial(built), logits, torch.tensor([0]))  # weights of another number of classes, say
        return built

    return {name: criterion(name, factory) for name, factory in fold.experiment.criteria.items()}


def make_callbacks(fold: Fold, state: FoldState, progress: Progress) -> list[Callback]:
    """What happens during the fold; callbacks.ORDER says in which order."""
    experiment, folder, monitor = fold.experiment, fold.folder, fold.experiment.watched
    callbacks: list[Callback] = [
        CriterionCallback(experiment.criterion_schedule),
        FiniteLossCallback(NON_FINITE_BATCHES),
        F1Callback(fold.classes),
        BackwardCallback(experiment.accumulate, experiment.batch_size),
        OptimizerCallback(experiment.accumulate, experiment.batch_size, experiment.clip_norm),
        CheckpointCallback(
            monitor,
            config=experiment.record(),
            save_state=state.save,
            save_best=partial(write_checkpoint, folder.best),
            save_log=partial(write_table, folder.metrics),
            load_state=state.load,
        ),
        EarlyStoppingCallback(monitor, experiment.patience),
        ProgressCallback(
            fold.title, experiment.epochs, monitor, progress.advance, progress.line, Timing(folder.timing).save
        ),
    ]
    if experiment.scheduler:
        callbacks.append(SchedulerCallback(experiment.schedule_every, experiment.accumulate, monitor))
    return callbacks


def _loader(fold: Fold, table: pd.DataFrame, transform: Any, sampler: Any) -> Any:
    cache = next((cache for cache in fold.caches if cache.size == transform.working_size), None)
    dataset = ImageDataset(fold.data.root, table, transform, seed=fold.experiment.seed, cache=cache)
    return make_loader(
        dataset,
        sampler,
        batch_size=fold.experiment.batch_size,
        workers=fold.compute.workers,
        pin_memory=fold.compute.device != "cpu",
    )


def _probabilities(fold: Fold, table: pd.DataFrame, model: nn.Module, progress: Progress) -> NDArray[np.float32]:
    """Probabilities (n, C) of a table's rows; an empty table gives an empty array."""
    if table.empty:
        return np.zeros((0, fold.classes), np.float32)
    loader = _loader(fold, table, fold.experiment.valid_transform(), SequentialSampler(len(table)))
    tick = partial(progress.advance, 1, f"{fold.title} predicts")
    return predict(model, loader, fold.experiment.tta, fold.compute.device, tick)
