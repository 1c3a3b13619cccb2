"""One fold: its loaders, model and callbacks given to the Catalyst runner, then its predictions."""

from functools import partial
from typing import Any

import numpy as np
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
from callbacks.pace import PaceCallback
from callbacks.progress import ProgressCallback
from callbacks.scheduler import SchedulerCallback
from callbacks.soup import GreedySoup, SoupCallback
from callbacks.stop import StopCallback
from data.loaders import worker_deaths_named
from runners.allocator import keep_freed_memory
from runners.best_weights import best_network
from runners.compilation import compile_network
from runners.display import Progress
from runners.estimate import BATCHES, estimate_line, plan_run
from runners.experiment import build
from runners.file_lock import locked
from runners.fold_criteria import build_criteria
from runners.fold_loaders import make_loaders, probabilities
from runners.fold_rows import Fold
from runners.fold_state import FoldState
from runners.followed import Followers, followed, show_fold
from runners.optimizers import make_optimizer
from runners.parameter_groups import head_prefixes
from runners.ranks import UNTOLD, run_in_ranks
from runners.schedulers import make_scheduler
from runners.shortage import shortage_told
from runners.state import remove_rubbish, write_checkpoint, write_table
from runners.stop import BATCH_SECONDS, Stop, current_stop
from runners.supervised import ClassificationRunner, make_engine
from runners.timing import Timing
from runners.worker_choice import with_workers

NON_FINITE_BATCHES = 5  # in a row, before a run is given up


def run_fold(fold: Fold, progress: Progress) -> dict[str, NDArray[Any]]:
    """Train a fold, or go on with it, or find it done; returns its predictions.

    "valid" (n, C) probabilities in the order of the fold's rows, "test" (M, C), and scalars "best_epoch", "epochs".
    Raises DataError where no epoch had a finite loss and monitored number, and where another process has the fold.
    """
    if fold.compute.ranks > 1:
        if FoldState(fold.folder, progress.line).load_predictions() is None:
            run_in_ranks(fold, _train_and_predict, progress)
            progress = UNTOLD  # of what was told already
        fold = fold.alone
    return _train_and_predict(fold, progress)


def _train_and_predict(fold: Fold, progress: Progress) -> dict[str, NDArray[Any]]:
    """Of several processes that train a fold together, the first one keeps it and predicts; the others return {}."""
    if fold.rank:
        return _made(fold, progress)
    with locked(fold.folder.root):  # a killed start's process, or one of a lost node, may live on for a moment
        remove_rubbish(fold.folder.root)
        return _made(fold, progress)


def _made(fold: Fold, progress: Progress) -> dict[str, NDArray[Any]]:
    state = FoldState(fold.folder, progress.line)
    done = state.load_predictions()
    if done is not None:
        progress.advance(fold.batches, fold.title)
        return done
    torch.set_num_threads(fold.compute.threads)
    if fold.compute.device == "cpu":
        keep_freed_memory()
    with shortage_told(fold.title), followed(None if fold.rank else fold.tracking, fold.number) as followers:
        fold = with_workers(fold, progress)
        runner = train_fold(fold, state, progress, followers)
        if fold.rank:
            return {}
        if fold.compute.ranks > 1:
            fold = fold.alone
            runner.loaders = make_loaders(fold)
        with worker_deaths_named(runner.loaders.values()):
            model, best_epoch = best_network(
                runner, fold.experiment, fold.monitor, fold.folder, fold.title, fold.data.class_names, progress.line
            )
        predictions = {
            "valid": probabilities(fold, fold.valid, model, progress),
            "test": probabilities(fold, fold.data.test, model, progress),
            "best_epoch": np.asarray(best_epoch),
            "epochs": np.asarray(runner.epoch_step),
        }
        show_fold(
            followers,
            runner,
            fold.folder,
            fold.valid["target"].to_numpy(np.int64),
            predictions["valid"],
            fold.data.class_names,
        )
    state.save_predictions(predictions)
    fold.folder.previous.unlink(missing_ok=True)
    return predictions


def train_fold(
    fold: Fold, state: FoldState, progress: Progress, followers: Followers | None = None
) -> ClassificationRunner:
    """Run Catalyst over the fold's epochs, from the last state on; `followers` are its loggers.

    A SIGTERM or Ctrl-C that somebody listens to (runners.stop) is heeded after the batch under way.
    """
    experiment = fold.experiment
    torch.manual_seed(fold.seed)  # Catalyst seeds only after the model is built
    model = build("model", experiment.model, num_classes=fold.classes)
    optimizer = make_optimizer(experiment.optimizer, experiment.parameters, model, experiment.precision)
    loaders = make_loaders(fold)
    if experiment.compile:
        compile_network(model)
    runner = ClassificationRunner()
    with current_stop().awaited(BATCH_SECONDS) as stop, worker_deaths_named(loaders.values()):
        runner.train(
            loaders=loaders,
            model=model,
            engine=make_engine(fold.compute.device, experiment.precision),
            criterion=make_criteria(fold),
            optimizer=optimizer,
            scheduler=make_scheduler(experiment, optimizer, len(loaders["train"])),
            callbacks=make_callbacks(fold, state, progress, stop),
            loggers=followers or {},
            hparams=dict(fold.tracking.parameters) if fold.tracking else {},
            num_epochs=fold.epochs,
            seed=fold.process_seed,
        )
    return runner


def make_criteria(fold: Fold) -> dict[str, nn.Module]:
    """Every declared criterion by name, told the training rows' counts of the classes if it asks."""
    counts = torch.bincount(torch.tensor(fold.train["target"].to_numpy()), minlength=fold.classes)  # (C,)
    return build_criteria(fold.experiment, counts)


def make_callbacks(fold: Fold, state: FoldState, progress: Progress, stop: Stop) -> list[Callback]:
    """What happens during the fold; callbacks.ORDER says in which order."""
    experiment, folder, monitor = fold.experiment, fold.folder, fold.monitor
    checkpoint = CheckpointCallback(
        monitor,
        config=experiment.record(),
        save_state=state.save,
        save_best=partial(write_checkpoint, folder.best),
        save_log=partial(write_table, folder.metrics),
        load_state=state.load,
    )
    callbacks: list[Callback] = [
        CriterionCallback(experiment.criterion_schedule),
        FiniteLossCallback(NON_FINITE_BATCHES),
        F1Callback(fold.classes, fold.data.class_names),
        BackwardCallback(experiment.accumulate, experiment.batch_size),
        OptimizerCallback(experiment.accumulate, experiment.batch_size, experiment.clip_norm),
        checkpoint,
        StopCallback(fold.title, stop, checkpoint, state.save_stopped, progress.line),
    ]
    if fold.rank == 0:
        save_time = Timing(folder.timing).save
        callbacks.append(ProgressCallback(fold.title, fold.epochs, monitor, progress.advance, progress.line, save_time))
    if not fold.unvalidated:
        callbacks.append(EarlyStoppingCallback(experiment.watched, experiment.patience))
    if fold.estimates and fold.rank == 0:
        plan = plan_run(fold)
        callbacks.append(PaceCallback(BATCHES, lambda seconds: progress.line(estimate_line(plan, seconds))))
    if experiment.mix:
        mix = build("mix", experiment.mix)
        callbacks.append(MixCallback(mix, fold.classes, seed=experiment.seed, fold=fold.number))
    if experiment.metrics:
        callbacks.append(MetricsCallback(experiment.metrics, experiment.activation))
    if experiment.average:
        average = build("average", experiment.average)
        soup = isinstance(average, GreedySoup)
        callbacks.append(
            SoupCallback(average, experiment.watched)
            if soup
            else AverageCallback(average, experiment.accumulate, stop.heed_if_asked)
        )
    if experiment.scheduler:
        callbacks.append(SchedulerCallback(experiment.schedule_every, experiment.accumulate, experiment.watched))
    if experiment.freeze_epochs:
        callbacks.append(FreezeCallback(experiment.freeze_epochs, head_prefixes))
    return callbacks
