"""Gradient accumulation: `accumulate` batches of B images act like one batch of accumulate * B.

Each batch's loss is weighted by what it is a mean over (its images, or their class weights), and a window's gradients
are divided by the sum of these weights before the step: the last, shorter window of an epoch counts like all others.
Criteria that are summed and divided by different things keep their gradients apart until then. Windows never cross an
epoch. The parts that several processes have in a batch are windows of their own, put together in the same way.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from catalyst.core.callback import IBackwardCallback, IOptimizerCallback

from callbacks import ORDER
from callbacks.shared_gradients import Total, sum_gradients


def closes_window(batch: int, batches: int, accumulate: int) -> bool:
    """Whether the optimizer steps after the 1-based `batch` of `batches`: at each window's end and at the loader's."""
    return batch % accumulate == 0 or batch == batches


class Window:
    """Gradients of the batches of one step: for each divisor the sum of weight * gradient, and of the weights.

    `total` sums a tensor over the processes that share each batch; None where there is one.
    """

    def __init__(self, parameters: Sequence[torch.Tensor], total: Total | None = None) -> None:
        self.parameters, self.total = parameters, total
        self.gradients: list[list[torch.Tensor | None]] = []  # by divisor and parameter
        self.weights: list[torch.Tensor | float] = []

    def add(self, divisor: int, weight: torch.Tensor | float, backward: Callable[[], None]) -> None:
        """Let `backward` add to the gradients of a divisor, and no other's."""
        if divisor == len(self.weights):
            self.gradients.append([None] * len(self.parameters))
            self.weights.append(0.0)
        for parameter, gradient in zip(self.parameters, self.gradients[divisor], strict=True):
            parameter.grad = gradient
        backward()
        self.gradients[divisor] = [parameter.grad for parameter in self.parameters]
        self.weights[divisor] += weight

    def close(self, scale: float) -> None:
        """Leave each divisor's gradients times scale / its weights, summed, in the parameters' `grad`."""
        for parameter in self.parameters:
            parameter.grad = None
        for gradients, weight in zip(self.gradients, self.weights, strict=True):
            if self.total:
                gradients, weight = sum_gradients(self.parameters, gradients, weight, self.total)
            # a window of classes that weigh 0 has no gradient
            factor = scale / weight.clamp(min=1e-12) if isinstance(weight, torch.Tensor) else scale / weight
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                if gradient is not None:
                    scaled = gradient.mul_(factor)
                    parameter.grad = scaled if parameter.grad is None else parameter.grad.add_(scaled)
        self.gradients, self.weights = [], []

    def state_dict(self) -> dict[str, Any]:
        """What was added so far."""
        return {"gradients": self.gradients, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.gradients, self.weights = state["gradients"], state["weights"]


class BackwardCallback(IBackwardCallback):
    """Gradients of the batch's losses times their weights, over a full window's images.

    That last divisor is only there to keep half precision in its range; OptimizerCallback puts the right one. Without
    accumulation the batch's loss has its divisors already.
    """

    def __init__(self, accumulate: int, batch_size: int) -> None:
        super().__init__()
        self.order = ORDER["backward"]
        self.accumulate = accumulate
        self.window_images = accumulate * batch_size

    def on_loader_start(self, runner: Any) -> None:
        """Whether a step has one batch of one process, or several."""
        self.one_batch = self.accumulate == 1 and runner.engine.num_processes == 1

    def on_batch_end(self, runner: Any) -> None:
        """Back-propagate on training batches."""
        if not runner.is_train_loader:
            return
        if self.one_batch:
            runner.engine.backward(runner.batch_metrics["loss"])
            return
        for divisor, (loss, weight) in enumerate(runner.losses):
            backward = partial(
                runner.engine.backward,
                loss * (weight / self.window_images),
                retain_graph=divisor + 1 < len(runner.losses),
            )
            runner.window.add(divisor, weight, backward)


class OptimizerCallback(IOptimizerCallback):
    """A step where a window closes; gradients are clipped to the norm `clip_norm` (None: not) just before it.

    Gradients are zeroed at the start of the training loader: what an interrupted epoch left never leaks on.
    """

    def __init__(self, accumulate: int, batch_size: int, clip_norm: float | None) -> None:
        super().__init__()
        self.order = ORDER["optimizer"]
        self.accumulate = accumulate
        self.window_images = accumulate * batch_size
        self.clip_norm = clip_norm
        self.window = Window(())

    def on_loader_start(self, runner: Any) -> None:
        """Begin a window; note the epoch's learning rate before anything changes it."""
        if runner.is_train_loader:
            runner.optimizer.zero_grad(set_to_none=True)
            self.parameters = [p for group in runner.optimizer.param_groups for p in group["params"]]
            shared = runner.engine.num_processes > 1
            self.windowed = shared or self.accumulate > 1
            self.window = Window(self.parameters, runner.engine.sum_over_processes if shared else None)
            runner.window = self.window
            runner.epoch_metrics["_epoch_"]["lr"] = runner.optimizer.param_groups[0]["lr"]

    def on_batch_end(self, runner: Any) -> None:
        """Step where the window closes."""
        if not runner.is_train_loader:
            return
        if not closes_window(runner.loader_batch_step, runner.loader_batch_len, self.accumulate):
            return
        if self.windowed:
            runner.window.close(self.window_images)
        if self.clip_norm is not None:
            runner.engine.clip_grad_norm_([p for p in self.parameters if p.grad is not None], self.clip_norm)
        runner.optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None

    def batch_state(self) -> dict[str, Any]:
        """The window that is open: empty after a step, and in validation."""
        return self.window.state_dict()

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.window.load_state_dict(state)
