"""What one fold is made of: its rows, its sampler, its seeds; all of it known before anything is trained."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from callbacks.last_epoch import LastEpoch
from callbacks.monitor import Monitor
from data.cache import ImageCache
from data.metadata import ImageData
from data.samplers import ShuffledSampler
from data.training_rows import TrainingRows, join_rows
from data.whole_train_set import WholeTrainSet, fold_count
from runners.compute import Compute
from runners.experiment import Experiment, asks, build
from runners.run_folder import FoldFolder
from runners.sources import NOTHING, Sources
from runners.tracking import Tracking


@dataclass(frozen=True)
class Fold:
    """What one fold is made of; plain values, so that it can be sent to another process."""

    experiment: Experiment
    data: ImageData
    folds: NDArray[np.int64]  # (N,) the fold that validates each training image, -1 for none
    number: int
    folder: FoldFolder
    compute: Compute
    caches: tuple[ImageCache, ...]  # of decoded images
    sources: Sources = NOTHING  # what is taken from elsewhere
    tracking: Tracking | None = None  # what shows the fold as it is trained
    rank: int = 0  # of the processes that train the fold together, which this one is
    estimates: bool = False  # whether it tells, after some batches, how long the run will take
    queued: bool = False  # whether folds of other experiments are made at the same time

    @cached_property
    def training(self) -> TrainingRows:
        """What is trained on: the rows that other folds validate, or none does, then those from elsewhere.

        At last `age_boundary` leaves some out, or softens their targets.
        """
        own = TrainingRows(self.data.train[self.folds != self.number])
        rows = join_rows([own, *(extra.rows for extra in self.sources.of_fold(self.number))], self.classes)
        boundary = self.experiment.age_boundary
        return build("age_boundary", boundary, rows) if boundary else rows

    @property
    def train(self) -> pd.DataFrame:
        """The table of the rows trained on."""
        return self.training.table

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
        """The fold as a person counts it, and whose it is where that may be asked; a fit, where none is validated."""
        count = fold_count(self.experiment.split, self.folds)
        whose = f"{self.experiment.name} " if self.queued else ""
        process = f", process {self.rank + 1} of {self.compute.ranks}" if self.rank else ""
        return f"{whose}{'fit' if self.unvalidated else 'fold'} {self.number + 1}/{count}{process}"

    @property
    def alone(self) -> "Fold":
        """The fold in one process: what is done after training needs no more."""
        return replace(self, rank=0, compute=replace(self.compute, ranks=1))

    @property
    def unvalidated(self) -> bool:
        """Whether this is a final fit on everything: it has no best epoch, and ends after a number of them."""
        return self.experiment.split.func is WholeTrainSet

    @property
    def epochs(self) -> int:
        """Epochs at most: those declared, or for a final fit those that another run found."""
        return self.sources.epochs or self.experiment.epochs

    @property
    def monitor(self) -> Monitor | LastEpoch:
        """What says which epoch's weights count."""
        return LastEpoch() if self.unvalidated else self.experiment.watched

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
        return self.epochs * self.epoch_batches + predicted

    @property
    def seed(self) -> int:
        """Seed of the fold's weights and epochs: spread out, since Catalyst adds the epoch to it."""
        return _spread(self.experiment.seed, self.number)

    @property
    def process_seed(self) -> int:
        """Seed of what is drawn in training, such as dropout: of its own in each process, the fold's in the first."""
        return _spread(self.experiment.seed, self.number, self.rank) if self.rank else self.seed


def _spread(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0] >> 1)
