"""The learning-rate range test: a short training whose rate grows from step to step (Smith 2015, arXiv 1506.01186)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from callbacks.probe import ProbeCallback
from data.errors import DataError
from runners.diagnostics.short_training import train_shortly
from runners.fold_loaders import make_loaders
from runners.fold_rows import Fold

SMOOTHING = 0.98  # share of the mean that each further loss leaves in place, as fastai has it
DIVERGED = 4.0  # times the lowest smoothed loss

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RangeTest:
    """What S steps showed. The rates are what `optimizer` would state; each group of parameters has its share of it."""

    rates: Floats  # (S,)
    losses: Floats  # (S,) of each step's images, before it
    smooth: Floats  # (S,) their running mean
    planned: int  # steps that there would have been
    stated: float  # the rate of the declaration

    @property
    def diverged(self) -> bool:
        """Whether the loss exploded before the highest rate was reached."""
        return len(self.rates) < self.planned


def range_test(
    fold: Fold, *, low: float, high: float, steps: int, tick: Callable[[], object] = lambda: None
) -> RangeTest:
    """Train the fold's network from its start, with rates from `low` to `high`, each the same factor above the last.

    On the fold's own training batches in the run's order, mixed and accumulated as declared. Ends early where the loss
    is no longer finite or its running mean exceeds DIVERGED times the lowest so far. `tick()` after each step. Raises
    DataError where the optimizer states no rate above 0.
    """
    if not 0 < low < high:
        raise DataError(
            f"The rates go from {low:g} to {high:g}: two numbers above 0, the smaller one first, are right."
        )
    loaders = {"train": make_loaders(fold)["train"]}
    steps_each = -(-len(loaders["train"]) // fold.experiment.accumulate)
    rates, losses, stated = np.geomspace(low, high, steps), list[float](), list[float]()

    def after_step(loss: float) -> bool:
        losses.append(loss)
        tick()
        return len(losses) == steps or diverged(losses)

    def make_schedule(optimizer: Optimizer) -> LambdaLR:
        stated.append(float(optimizer.defaults.get("lr") or 0))
        if not stated[0] > 0:
            raise DataError(f"optimizer states the learning rate {stated[0]:g}: a number above 0 can be varied.")
        return LambdaLR(optimizer, lambda step: rates[min(step, steps - 1)] / stated[0])

    probe = ProbeCallback(fold.experiment.accumulate, after_step, None)
    train_shortly(fold, loaders, probe, epochs=-(-steps // steps_each), mixed=True, make_schedule=make_schedule)
    done = len(losses)
    return RangeTest(rates[:done], np.array(losses), running_mean(losses), steps, stated[0])


def running_mean(losses: list[float]) -> Floats:
    """Exponential mean (S,) of the losses up to each, freed of its bias towards the 0 it starts from."""
    mean, means = 0.0, []
    for step, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**step))
    return np.array(means)


def diverged(losses: list[float]) -> bool:
    """Whether the last loss is no number, or its running mean far above the lowest."""
    if not math.isfinite(losses[-1]):
        return True
    smooth = running_mean(losses)
    return bool(smooth[-1] > DIVERGED * smooth.min() > 0)
