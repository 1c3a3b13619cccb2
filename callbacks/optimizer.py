"""Gradient accumulation: `accumulate` batches of B images act like one batch of accumulate * B.

Each batch's loss is weighted by what it is a mean over (its images, or their class weights), and a window's gradients
are divided by the sum of these weights before the step: the last, shorter window of an epoch counts like all others.
Windows never cross an epoch.
"""

from typing import Any

import torch
from catalyst.core.callback import IBackwardCallback, IOptimizerCallback

from callbacks import ORDER


def closes_window(batch: int, batches: int, accumulate: int) -> bool:
    """Whether the optimizer steps after the 1-based `batch` of `batches`: at each window's end and at the loader's."""
    return batch % accumulate == 0 or batch == batches


class BackwardCallback(IBackwardCallback):
    """Gradients of the batch's loss times its ``runner.loss_weight``, over a full window's images.

    That last divisor is only there to keep half precision in its range; OptimizerCallback puts the right one.
    """

    def __init__(self, accumulate: int, batch_size: int) -> None:
        super().__init__()
        self.order = ORDER["backward"]
        self.window_images = accumulate * batch_size

    def on_batch_end(self, runner: Any) -> None:
        """Back-propagate on training batches."""
        if runner.is_train_loader:
            runner.engine.backward(runner.batch_metrics["loss"] * (runner.loss_weight / self.window_images))


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

    def on_loader_start(self, runner: Any) -> None:
        """Begin a window; note the epoch's learning rate before anything changes it."""
        if runner.is_train_loader:
            runner.optimizer.zero_grad(set_to_none=True)
            self.weight: torch.Tensor | float = 0.0
            runner.epoch_metrics["_epoch_"]["lr"] = runner.optimizer.param_groups[0]["lr"]

    def on_batch_end(self, runner: Any) -> None:
        """Step where the window closes."""
        if not runner.is_train_loader:
            return
        self.weight += runner.loss_weight
        if not closes_window(runner.loader_batch_step, runner.loader_batch_len, self.accumulate):
            return
        parameters = [p for group in runner.optimizer.param_groups for p in group["params"] if p.grad is not None]
        if isinstance(self.weight, torch.Tensor):  # of class weights; a window of classes that weigh 0 has no gradient
            torch._foreach_mul_([p.grad for p in parameters], self.window_images / self.weight.clamp(min=1e-12))
        elif self.weight != self.window_images:
            torch._foreach_mul_([p.grad for p in parameters], self.window_images / self.weight)
        if self.clip_norm is not None:
            runner.engine.clip_grad_norm_(parameters, self.clip_norm)
        runner.optimizer.step()
        runner.optimizer.zero_grad(set_to_none=True)
        self.weight = 0.0
