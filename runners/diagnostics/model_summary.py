"""What a network is made of and what it costs: parameters, multiplications, the size of its weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from runners.experiment import Factory


@dataclass(frozen=True)
class Block:
    """A part of a network under its name. Parameters that parts share are counted in the first of them."""

    name: str
    parameters: int
    trainable: int
    macs: int  # multiplications with an addition, for one image


@dataclass(frozen=True)
class ModelSummary:
    """A network's blocks in their order, and the whole."""

    blocks: tuple[Block, ...]
    total: Block
    output: tuple[int, ...]  # shape for one image
    weight_bytes: int  # of all saved tensors, the buffers of batch norm included


def summarise(model: nn.Module, image: torch.Tensor) -> ModelSummary:
    """Look through a network; image: (1, H, W, 3) as the network takes it. The network is left in evaluation mode.

    MACs are half of what torch.utils.flop_counter counts: convolutions, matrix products, attention; what is done
    element by element (activations, norms, pooling) is not counted, as is the custom.
    """
    counter = FlopCounterMode(display=False)
    model.eval()
    with torch.no_grad(), counter:
        output = model(image)
    macs = {name: sum(counts.values()) // 2 for name, counts in counter.get_flop_counts().items()}
    root = type(model).__name__  # what the counter calls the whole
    seen = set[int]()
    blocks = [_block(name, part, macs.get(f"{root}.{name}", 0), seen) for name, part in _parts(model)]
    loose = _block("(outside of them)", model, 0, seen)
    if loose.parameters:
        blocks.append(loose)
    total = Block(
        "total",
        sum(block.parameters for block in blocks),
        sum(block.trainable for block in blocks),
        counter.get_total_flops() // 2,
    )
    saved = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    return ModelSummary(tuple(blocks), total, tuple(output.shape), saved)


def without_weights(model: Factory) -> Factory:
    """The declared model from random weights: to look at it, nothing has to be downloaded."""
    return partial(model.func, **{**model.keywords, **({"pretrained": None} if "pretrained" in model.keywords else {})})


def _parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Top-level blocks: what wraps a single part is passed through, and sequences are shown by their members."""
    prefix = ""
    while len(children := _with_parameters(model)) == 1 and _with_parameters(children[0][1]):
        prefix, model = f"{prefix}{children[0][0]}.", children[0][1]
    for name, child in children:
        members = _with_parameters(child) if isinstance(child, nn.Sequential | nn.ModuleList) else []
        if members:
            yield from ((f"{prefix}{name}.{inner}", member) for inner, member in members)
        else:
            yield f"{prefix}{name}", child


def _with_parameters(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, child) for name, child in module.named_children() if any(True for _ in child.parameters())]


def _block(name: str, part: nn.Module, macs: int, seen: set[int]) -> Block:
    parameters = [parameter for parameter in part.parameters() if id(parameter) not in seen]
    seen.update(id(parameter) for parameter in parameters)
    trainable = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    return Block(name, sum(parameter.numel() for parameter in parameters), trainable, macs)
