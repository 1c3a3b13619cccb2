"""Averages of a fold's weights over its training: validation, the best weights and inference take the average.

Training itself goes on with the weights as they are. An average is part of the fold's state, so a continued run ends
with the same bits.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from catalyst.core.callback import Callback
from torch.optim.swa_utils import get_swa_multi_avg_fn, update_bn

from callbacks import ORDER
from callbacks.optimizer import closes_window
from data.loaders import raise_failure

Weights = dict[str, torch.Tensor]


class Average(Protocol):
    """What AverageCallback asks of an average; `live` are the weights in training, which it must not change."""

    weights: Weights | None  # the average; None while there is none, and the weights in training are validated
    recompute_statistics: bool  # whether those of batch norm are to be taken anew from the training images

    def start(self, live: Weights) -> None:
        """Before the first step."""

    def after_step(self, live: Weights) -> None:
        """After each step of the optimizer."""

    def after_training(self, live: Weights, epoch: int) -> None:
        """After the training images of an epoch (from 1 on)."""

    def state_dict(self) -> dict[str, Any]:
        """All that a continued run needs."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""


class EMA:
    """Exponential moving average of the weights of every optimizer step, from the first weights on.

    After step t it keeps min(decay, (1 + t) / (warmup + t)) of itself: with warmup 10, as in TensorFlow, the first
    weights are soon forgotten; warmup 1 is the plain average. Statistics of batch norm are averaged like weights,
    whole numbers are copied.
    """

    recompute_statistics = False

    def __init__(self, *, decay: float, warmup: float) -> None:
        if not 0 < decay < 1:
            raise ValueError(f"decay is {decay}: a number between 0 and 1, such as 0.999, would be right")
        if not warmup >= 1:
            raise ValueError(f"warmup is {warmup}: 10, or 1 for none, would be right")
        self.decay, self.warmup = decay, warmup
        self.steps = 0
        self.weights: Weights | None = None

    def start(self, live: Weights) -> None:
        """The first weights are the first average."""
        self.weights = _copies(live)

    def after_step(self, live: Weights) -> None:
        """Move towards the new weights."""
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (self.warmup + self.steps))
        _move(self.weights or {}, live, lambda mine, theirs: torch._foreach_lerp_(mine, theirs, 1 - keep))

    def after_training(self, live: Weights, epoch: int) -> None:
        """An epoch's end is nothing special."""

    def state_dict(self) -> dict[str, Any]:
        """The average and the number of its steps."""
        return {"weights": self.weights, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`, on the device of the weights."""
        self.steps = state["steps"]
        _put(state["weights"], self.weights or {})


class SWA:
    """Stochastic weight averaging (Izmailov et al. 2018): the mean of the weights after each epoch from `start` on.

    The statistics of batch norm belong to no mean of weights, so they are taken anew, by one more pass over the
    epoch's training images. Before `start` the weights in training are validated; one of these epochs may well turn
    out the best. A learning rate that stays up in the averaged epochs is what makes their mean worth more than the
    last.
    """

    recompute_statistics = True

    def __init__(self, *, start: int) -> None:
        if start < 1:
            raise ValueError(f"start is {start}: an epoch from 1 on would be right")
        self.first_epoch = start
        self.epochs = 0  # averaged so far
        self.weights: Weights | None = None

    def start(self, live: Weights) -> None:
        """Nothing is averaged before its time."""
        self.device = next(iter(live.values())).device

    def after_step(self, live: Weights) -> None:
        """Steps are not averaged, epochs are."""

    def after_training(self, live: Weights, epoch: int) -> None:
        """Take the epoch into the mean."""
        if epoch < self.first_epoch:
            return
        if self.weights is None:
            self.weights = _copies(live)
        average = get_swa_multi_avg_fn()
        _move(self.weights, live, lambda mine, theirs: average(mine, theirs, self.epochs))
        self.epochs += 1

    def state_dict(self) -> dict[str, Any]:
        """The mean and the number of its epochs."""
        return {"weights": self.weights, "epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`, on the device of the weights."""
        self.epochs, mean = state["epochs"], state["weights"]
        self.weights = None if mean is None else {name: values.to(self.device) for name, values in mean.items()}


class AverageCallback(Callback):
    """Feeds an average, and puts its weights into the model from the end of training to the end of validation.

    ``runner.average`` tells the checkpoint which weights were validated. `between` is called between two batches whose
    statistics are taken.
    """

    def __init__(self, average: Average, accumulate: int, between: Callable[[], object] = bool) -> None:
        super().__init__(order=ORDER["average"])
        self.average, self.accumulate, self.between = average, accumulate, between
        self.live: Weights | None = None  # the weights in training, while the average takes their place

    def on_experiment_start(self, runner: Any) -> None:
        """Begin with the model's weights; a checkpoint that is loaded next replaces them."""
        self.average.start(_weights(runner))
        runner.average = self.average

    def on_batch_end(self, runner: Any) -> None:
        """Follow the optimizer's steps, but for those that a gradient scaler skipped."""
        if runner.is_train_loader and closes_window(runner.loader_batch_step, runner.loader_batch_len, self.accumulate):
            if not getattr(runner.optimizer, "step_was_skipped", False):
                self.average.after_step(_weights(runner))

    def on_loader_end(self, runner: Any) -> None:
        """After training, the average takes the weights' place; after validation, they take it back.

        Where nothing is validated they take it back at once: the average has the statistics that it needs.
        """
        if runner.is_train_loader:
            self.average.after_training(_weights(runner), runner.epoch_step)
            self._exchange(runner)
        if self.live is not None and (runner.is_valid_loader or len(runner.loaders) == 1):
            _put(self.live, _weights(runner))
            self.live = None

    def batch_state(self) -> dict[str, Any]:
        """The weights in training, where the model holds the average."""
        return {"live": self.live}

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.live = state["live"]

    def _exchange(self, runner: Any) -> None:
        weights = self.average.weights
        if weights is None:
            return
        model = _weights(runner)
        self.live = _copies(model)
        _put(weights, model)
        if self.average.recompute_statistics:
            recompute_statistics(runner.model, runner.loader, runner.engine.device, self.between)
            _put(_weights(runner), weights)


def recompute_statistics(
    model: torch.nn.Module, loader: Any, device: Any, between: Callable[[], object] = bool
) -> None:
    """Batch norm's means and variances (in place) as the model's weights make them of a loader's images.

    Images are augmented, but not mixed with each other: those that are predicted are not either. `between()` is called
    after each batch.
    """

    def images() -> Iterator[torch.Tensor]:
        for batch in loader:
            raise_failure(batch)
            yield batch["features"].to(device, non_blocking=True)
            between()

    with torch.no_grad():
        update_bn(images(), model)


def _weights(runner: Any) -> Weights:
    """The weights in training, as they are in memory, under the names of a checkpoint."""
    weights: Weights = runner.engine.unwrap_model(runner.model, keep_fp32_wrapper=True).state_dict()
    return weights


def _copies(weights: Weights) -> Weights:
    return {name: values.detach().clone() for name, values in weights.items()}


def _put(source: Weights, target: Weights) -> None:
    """Copy values in place: whoever holds the target's tensors (an optimizer, a compiled network) sees them."""
    with torch.no_grad():
        for name, values in target.items():
            values.copy_(source[name])


def _move(mine: Weights, live: Weights, update: Callable[[list[torch.Tensor], list[torch.Tensor]], None]) -> None:
    """Update all floating-point tensors together; copy the others."""
    floating = [name for name, values in mine.items() if values.is_floating_point()]
    with torch.no_grad():
        update([mine[name] for name in floating], [live[name].detach() for name in floating])
        for name in mine.keys() - set(floating):
            mine[name].copy_(live[name])
