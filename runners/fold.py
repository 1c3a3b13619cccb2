"""One fold: its loaders, model and callbacks given to the Catalyst runner, then its predictions."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from catalyst.core.callback import Callback
from numpy.typing import NDArray
from torch import nn

from callbacks.average import AverageCallback
from callbacks.checkpoint import CheckpointCallback
from callbacks.criterion import CriterionCallback
from callbacks.early_stopping import EarlyStoppingCallback
from callbacks.f1 import F1Callback, MetricsCallback
from callbacks.finite_loss import FiniteLossCallback
from callbacks.freeze import FreezeCallback
from callbacks.mix import MixCallback
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from callbacks.progress import ProgressCallback
from callbacks.scheduler import SchedulerCallback
from callbacks.soup import GreedySoup, SoupCallback
from data.cache import ImageCache
from data.datasets import ImageDataset
from data.errors import DataError
from data.in_hand import InHand
from data.loaders import make_loader, worker_deaths_named
from data.metadata import ImageData
from data.samplers import SequentialSampler, ShuffledSampler
from runners.best_weights import best_network
from runners.compilation import compile_network
from runners.display import Progress
from runners.environment import Compute
from runners.experiment import Experiment, asks, build
from runners.fold_criteria import build_criteria
from runners.fold_state import FoldState
from runners.inference import predict
from runners.optimizers import make_optimizer
from runners.parameter_groups import head_prefixes
from runners.run_folder import FoldFolder
from runners.schedulers import make_scheduler
from runners.shortage import shortage_told
from runners.state import write_checkpoint, write_table
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

    @cached_property
    def sampler(self) -> Any:
        """Which images an epoch takes: a declared sampler that asks for them gets the training rows and class names."""
        factory = self.experiment.sampler or partial(ShuffledSampler)
        known = {"table": self.train, "class_names": self.data.class_names}
        asked = {name: value for name, value in known.items() if asks(factory, name)}
        return build("sampler", factory, len(self.train), seed=self.experiment.seed, fold=self.number, **asked)

    @property
    def title(self) -> str:
        """The fold as a person counts it."""
        return f"fold {self.number + 1}/{self.folds.max() + 1}"

    @property
    def epoch_batches(self) -> int:
        """Batches of an epoch, training and validation."""
        size = self.experiment.batch_size
        return sum(-(-images // size) for images in (len(self.sampler), len(self.valid)))

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
    with shortage_told(fold.title):
        runner = train_fold(fold, state, progress)
        with worker_deaths_named(runner.loaders.values()):
            model, best_epoch = best_network(
                runner, fold.experiment, fold.folder, fold.title, fold.data.class_names, progress.line
            )
        predictions = {
            "valid": _probabilities(fold, fold.valid, model, progress),
            "test": _probabilities(fold, fold.data.test, model, progress),
            "best_epoch": np.asarray(best_epoch),
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
    optimizer = make_optimizer(experiment.optimizer, experiment.parameters, model)
    loaders = make_loaders(fold)
    if experiment.compile:
        compile_network(model)
    runner = ClassificationRunner()
    with worker_deaths_named(loaders.values()):
        runner.train(
            loaders=loaders,
            model=model,
            engine=make_engine(fold.compute.device, experiment.precision),
            criterion=make_criteria(fold),
            optimizer=optimizer,
            scheduler=make_scheduler(experiment, optimizer, len(loaders["train"])),
            callbacks=make_callbacks(fold, state, progress),
            num_epochs=experiment.epochs,
            seed=fold.seed,
        )
    return runner


def make_loaders(fold: Fold) -> dict[str, Any]:
    """The training loader in the sampler's order, the validation loader in the table's."""
    experiment = fold.experiment
    if fold.train.empty or fold.valid.empty:
        lacking = "train on" if fold.train.empty else "validate with"
        raise DataError(f"split: {fold.title} has no image to {lacking}: persons in every fold would be right.")
    return {
        "train": _loader(fold, fold.train, build("train_transform", experiment.train_transform), fold.sampler),
        "valid": _loader(fold, fold.valid, experiment.valid_transform(), SequentialSampler(len(fold.valid))),
    }


def make_criteria(fold: Fold) -> dict[str, nn.Module]:
    """Every declared criterion by name, told the training rows' counts of the classes if it asks."""
    counts = torch.bincount(torch.tensor(fold.train["target"].to_numpy()), minlength=fold.classes)  # (C,)
    return build_criteria(fold.experiment, counts)


def make_callbacks(fold: Fold, state: FoldState, progress: Progress) -> list[Callback]:
    """What happens during the fold; callbacks.ORDER says in which order."""
    experiment, folder, monitor = fold.experiment, fold.folder, fold.experiment.watched
    callbacks: list[Callback] = [
        CriterionCallback(experiment.criterion_schedule),
        FiniteLossCallback(NON_FINITE_BATCHES),
        F1Callback(fold.classes, fold.data.class_names),
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
    if experiment.mix:
        mix = build("mix", experiment.mix)
        callbacks.append(MixCallback(mix, fold.classes, seed=experiment.seed, fold=fold.number))
    if experiment.metrics:
        callbacks.append(MetricsCallback(experiment.metrics, experiment.activation))
    if experiment.average:
        average = build("average", experiment.average)
        soup = isinstance(average, GreedySoup)
        callbacks.append(SoupCallback(average, monitor) if soup else AverageCallback(average, experiment.accumulate))
    if experiment.scheduler:
        callbacks.append(SchedulerCallback(experiment.schedule_every, experiment.accumulate, monitor))
    if experiment.freeze_epochs:
        callbacks.append(FreezeCallback(experiment.freeze_epochs, head_prefixes))
    return callbacks


def _loader(fold: Fold, table: pd.DataFrame, transform: Any, sampler: Any) -> Any:
    cache = next((cache for cache in fold.caches if cache.size == transform.working_size), None)
    in_hand = InHand(fold.compute.workers, fold.experiment.batch_size) if fold.compute.workers else None
    dataset = ImageDataset(fold.data.root, table, transform, seed=fold.experiment.seed, cache=cache, in_hand=in_hand)
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
    with worker_deaths_named([loader]):
        return predict(model, loader, fold.experiment.tta, fold.experiment.activation, fold.compute.device, tick)
