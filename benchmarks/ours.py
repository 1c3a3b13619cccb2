"""This project's training as a run has it: a fold of an experiment, its loader over the cache, all of its callbacks."""

import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch.optim import AdamW

from benchmarks.catalyst_clock import CatalystClock
from benchmarks.small_run import small_experiment
from benchmarks.workload import FLIP, Epoch, Network, Workload, optimizer_settings
from data.cache_build import GIB, CacheSettings, open_cache
from data.splits import PersonStratifiedKFold
from data.transforms import mirror
from runners.compute import Compute, available_cores
from runners.experiment import Experiment
from runners.fold import train_fold
from runners.fold_rows import Fold
from runners.fold_state import FoldState
from runners.run_folder import FoldFolder


def declare(name: str, network: Network, batch_size: int, epochs: int, folds: int) -> Experiment:
    """The experiment: nothing but what the others do too."""
    return replace(
        small_experiment(name, network.size, epochs=epochs, batch_size=batch_size),
        seed=0,
        split=partial(PersonStratifiedKFold, folds=folds),
        model=network.make,
        optimizer=partial(AdamW, fused=True, **optimizer_settings()),
        train_transform=partial(mirror, size=network.size, flip=FLIP),
    )


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate from a warm cache: filling it is no part of an epoch."""
    clock = CatalystClock()
    fold = make_fold(work, workers, epochs)
    shutil.rmtree(fold.folder.root, ignore_errors=True)  # an earlier turn's, which would be continued
    runner = train_fold(fold, FoldState(fold.folder, print), Silence(), {"clock": clock})
    return [
        Epoch(cost, float(row["train_loss"]), float(row["train_f1"]), float(row["valid_f1"]), saving)
        for cost, saving, row in zip(clock.costs, clock.commits, runner.history, strict=True)
    ]


def make_fold(work: Workload, workers: int, epochs: int) -> Fold:
    """The workload as a fold: its rows, its network, its cache."""
    rows = [*work.train_rows, *work.valid_rows]
    data = replace(work.data, train=work.data.train.iloc[rows].reset_index(drop=True))
    folds = np.repeat([1, 0], [len(work.train_rows), len(work.valid_rows)])  # fold 0 validates
    settings = CacheSettings(work.folder / "cache", 20 * GIB, available_cores())
    cache = open_cache(settings, data.root, list(data.train["path"]), work.network.size, lambda text: None)
    compute = Compute("cpu", torch.get_num_threads(), workers, jobs=1)
    experiment = declare("ours", work.network, work.batch_size, epochs, folds=2)
    caches = (cache,) if cache else ()
    return Fold(experiment, data, folds, 0, FoldFolder(work.folder / "run-0/fold_0"), compute, caches)


class Silence:
    """Progress that nobody watches."""

    def line(self, text: str) -> None:
        """Nothing."""

    def advance(self, batches: int, description: str) -> None:
        """Nothing."""
