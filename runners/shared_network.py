"""A network that several processes hold a copy of, to run a part of every batch each."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from callbacks.shared_gradients import Total


class SharedNetwork(nn.Module):
    """Stands where torch's DistributedDataParallel would; gradients are summed by the optimizer's callback.

    A batch is one batch to batch norm, however it is divided: statistics are those of all parts together, as with one
    process. So all processes must run every batch. One that has no image of it runs a blank one, which counts nowhere.
    """

    def __init__(self, module: nn.Module, total: Total) -> None:
        super().__init__()
        self.module, self.total = module, total

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, ...) of this process to its logits (B, C); B may be 0."""
        count = len(images)
        with _SharedBatchNorm(self.total, counts=count > 0):
            logits: torch.Tensor = self.module(images if count else images.new_zeros((1, *images.shape[1:])))
        return logits[:count]


class _SharedBatchNorm(TorchFunctionMode):
    """Inside, what calls torch's batch norm on a batch's own statistics gets those of all processes.

    torch's SyncBatchNorm does that on GPUs alone, and for its own class of layers; timm's are of other ones.
    """

    def __init__(self, total: Total, counts: bool) -> None:
        super().__init__()
        self.total, self.counts = total, counts

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        if function is functional.batch_norm:
            return self._batch_norm(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        input: torch.Tensor,
        running_mean: torch.Tensor | None,
        running_var: torch.Tensor | None,
        weight: torch.Tensor | None = None,
        bias: torch.Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> torch.Tensor:
        """As torch.nn.functional.batch_norm: (B, C, ...) to (B, C, ...), weight, bias and statistics (C,)."""
        if not training:
            return functional.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
        values = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        mean, variance, count = self._moments(values)  # (C,), (C,), (1,)
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                unbiased = variance * (count / (count - 1).clamp(min=1))
                running_mean.lerp_(mean.to(running_mean.dtype), momentum)
                running_var.lerp_(unbiased.to(running_var.dtype), momentum)
        scale = (variance + eps).rsqrt().to(values.dtype)
        scale = scale if weight is None else scale * weight
        whole = [1, -1, *[1] * (values.ndim - 2)]
        normal = (values - mean.to(values.dtype).view(whole)) * scale.view(whole)
        return (normal if bias is None else normal + bias.view(whole)).to(input.dtype)

    def _moments(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean and biased variance (C,) of all processes' values of a channel, and their number (1,), in float64.

        In one exchange: sums of squares about 0, which float64 can afford.
        """
        channels = values.shape[1]
        variance, mean = torch.var_mean(values, [0, *range(2, values.ndim)], correction=0)  # (C,), (C,)
        mean, variance = mean.double(), variance.double()
        count = mean.new_full((1,), values.numel() / channels if self.counts else 0.0)
        sums: torch.Tensor = _Sum.apply(torch.cat([count, count * mean, count * (variance + mean**2)]), self.total)
        number, first, second = sums.split([1, channels, channels])
        mean = first / number
        return mean, (second / number - mean**2).clamp(min=0), number


class _Sum(torch.autograd.Function):
    """Sum over processes; what comes back to it is the gradient of all processes' losses."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, total: Total) -> torch.Tensor:
        ctx.total = total
        return total(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.total(gradient.contiguous()), None
