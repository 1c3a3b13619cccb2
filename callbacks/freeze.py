"""Trains the head alone in a fold's first epochs, so that its random weights do not shake a pretrained backbone."""

from collections.abc import Callable
from typing import Any

from catalyst.core.callback import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from callbacks import ORDER


class FreezeCallback(Callback):
    """For the first `epochs`, all but the head has no gradients, and its batch norms keep their statistics.

    `head_prefixes(model)` gives what the head's names begin with. What is frozen is a function of the epoch, so a
    continued fold needs no state for it. A parameter without a gradient is left alone by optimizers, weight decay
    included, and gets its moments (momentum, Adam's averages) when it thaws.
    """

    def __init__(self, epochs: int, head_prefixes: Callable[[nn.Module], tuple[str, ...]]) -> None:
        super().__init__(order=ORDER["freeze"])
        self.epochs = epochs
        self.head_prefixes = head_prefixes

    def on_experiment_start(self, runner: Any) -> None:
        """Find the body: what trains, and what keeps statistics."""
        model: nn.Module = runner.engine.unwrap_model(runner.model)
        head = self.head_prefixes(model)
        self.parameters = [
            parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad and not name.startswith(head)
        ]
        self.norms = [
            module
            for name, module in model.named_modules()
            if isinstance(module, _BatchNorm) and not f"{name}.".startswith(head)
        ]

    def on_loader_start(self, runner: Any) -> None:
        """Freeze or thaw; the runner has just put the whole model into training mode."""
        if not runner.is_train_loader:
            return
        frozen = runner.epoch_step <= self.epochs
        for parameter in self.parameters:
            parameter.requires_grad_(not frozen)
        if frozen:
            for norm in self.norms:
                norm.eval()

    def on_experiment_end(self, runner: Any) -> None:
        """Leave the model as it came."""
        for parameter in self.parameters:
            parameter.requires_grad_(True)
