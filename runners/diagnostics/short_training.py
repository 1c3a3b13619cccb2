"""A training that leaves nothing behind: a run's network, criterion, optimizer and arithmetic, and no file of it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.optim import Optimizer

from callbacks.criterion import CriterionCallback
from callbacks.f1 import F1Callback
from callbacks.mix import MixCallback
from callbacks.monitor import Monitor
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from callbacks.probe import ProbeCallback
from callbacks.scheduler import SchedulerCallback
from runners.compilation import compile_network
from runners.experiment import build
from runners.fold import make_criteria
from runners.fold_rows import Fold
from runners.optimizers import make_optimizer
from runners.supervised import ClassificationRunner, make_engine


def train_shortly(
    fold: Fold,
    loaders: Mapping[str, Any],
    probe: ProbeCallback,
    *,
    epochs: int,
    mixed: bool,
    make_schedule: Callable[[Optimizer], Any] | None = None,
) -> ClassificationRunner:
    """Train the fold's network on `loaders` with the criterion of its first epoch, until `probe` or `epochs` end it.

    Seeds, accumulation, clipping, precision and compilation are the run's. Not taken from it: the schedule (the rate
    stays as the optimizer states it, or follows `make_schedule` step by step), averaged weights, and a frozen backbone,
    since the whole network is trained for most of a run. mixed: whether a declared `mix` is applied.
    """
    experiment = fold.experiment
    torch.set_num_threads(fold.compute.threads)
    torch.manual_seed(fold.seed)
    model = build("model", experiment.model, num_classes=fold.classes)
    optimizer = make_optimizer(experiment.optimizer, experiment.parameters, model, experiment.precision)
    if experiment.compile:
        compile_network(model)
    callbacks = [
        CriterionCallback({1: experiment.criterion_schedule[1]}),
        F1Callback(fold.classes),
        BackwardCallback(experiment.accumulate, experiment.batch_size),
        OptimizerCallback(experiment.accumulate, experiment.batch_size, experiment.clip_norm),
        probe,
    ]
    if mixed and experiment.mix:
        mix = build("mix", experiment.mix)
        callbacks.append(MixCallback(mix, fold.classes, seed=experiment.seed, fold=fold.number))
    if make_schedule:
        callbacks.append(SchedulerCallback("step", experiment.accumulate, Monitor("loss", "min")))
    runner = ClassificationRunner()
    runner.train(
        loaders=dict(loaders),
        model=model,
        engine=make_engine(fold.compute.device, experiment.precision),
        criterion=make_criteria(fold),
        optimizer=optimizer,
        scheduler=make_schedule(optimizer) if make_schedule else None,
        callbacks=callbacks,
        num_epochs=epochs,
        seed=fold.seed,
    )
    return runner
