"""A trained network without its batch norms: each one's scale and shift become part of the convolution before it."""

import copy
from collections import Counter
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

AGREEMENT = 1e-6  # largest difference of a probability, computed in float64: in float32 rounding alone makes more


def without_batch_norm(
    network: nn.Module, images: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor]
) -> nn.Module:
    """A copy in float32 that predicts the same in less time, in evaluation mode; the network itself if there is none.

    Which batch norm follows which convolution is seen while `images` (B, H, W, 3) pass through, so that a network may
    be written in any way. What cannot be seen, a convolution whose output goes elsewhere too or which changes its
    weights on the way, is found by comparison: where a probability of the first image differs by more than AGREEMENT,
    nothing is changed.
    """
    exact, tried = copy.deepcopy(network).eval().double(), images[:1]  # one: float64 is slow
    try:
        logits, pairs = _watched(exact, tried)
        if not pairs:
            return network
        with torch.inference_mode():
            names = {module: name for name, module in exact.named_modules()}
            for convolution, norm in pairs:
                exact.set_submodule(names[convolution], fuse_conv_bn_eval(convolution, norm))
                exact.set_submodule(names[norm], _after(norm))
            difference = (activation(exact(tried)) - activation(logits)).abs().max()
    except (AttributeError, TypeError, ValueError, RuntimeError):  # float64, or a lack of batch norms, is not for it
        return network
    return exact.float() if difference <= AGREEMENT else network  # not of a NaN either


def _watched(network: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, list[tuple[nn.Conv2d, nn.BatchNorm2d]]]:
    """Logits, and the convolutions with the batch norms that got their outputs, where both were used once."""
    made_by = dict[int, tuple[nn.Conv2d, torch.Tensor]]()  # the output is kept: its id is not given to another one
    met = list[tuple[nn.Conv2d, nn.BatchNorm2d]]()
    used = Counter[nn.Module]()

    def note_output(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        used[module] += 1
        made_by[id(output)] = (module, output)  # type: ignore[assignment]

    def note_input(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        used[module] += 1
        if id(inputs[0]) in made_by and module.running_mean is not None:
            met.append((made_by[id(inputs[0])][0], module))  # type: ignore[arg-type]

    hooks = [module.register_forward_hook(note_output) for module in network.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks += [module.register_forward_pre_hook(note_input) for module in norms]
    try:
        with torch.inference_mode():
            logits: torch.Tensor = network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return logits, [(convolution, norm) for convolution, norm in met if used[convolution] == used[norm] == 1]


def _after(norm: nn.BatchNorm2d) -> nn.Module:
    """What is left of a batch norm: timm's has an activation in it, and before that what drops at random."""
    parts = [getattr(norm, name) for name in ("drop", "act") if isinstance(getattr(norm, name, None), nn.Module)]
    return nn.Sequential(*parts)
