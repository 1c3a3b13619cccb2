"""What runs the networks of a finished run: torch, or ONNX Runtime, which is faster on processors."""

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np
import torch
from torch import nn

from data.errors import DataError
from runners.deployment.onnx_network import (
    OnnxNetwork,
    check_installed,
    difference,
    onnx_network,
    to_onnx,
    with_weights,
)
from runners.deployment.trained_run import TrainedRun
from runners.inference import Activation, Network, View


class Backend(StrEnum):
    """Who multiplies."""

    torch = "torch"
    onnx = "onnx"


def load_networks(
    trained: TrainedRun, backend: Backend, threads: int, device: str, say: Callable[[str], None]
) -> list[Network]:
    """The networks of all folds as functions of images to logits; `say(text)` is told how far ONNX's are from torch's.

    DataError, beside those of TrainedRun.network and of onnx_network, where ONNX's packages are missing, and for views
    that ONNX's networks cannot take.
    """
    if backend is Backend.torch:
        return [trained.network(fold) for fold in trained.folds]
    check_installed(f"--backend {backend}")
    size = trained.image_size
    check_views(trained.declaration.tta, size)
    networks, largest, body = list[Network](), 0.0, None
    for fold in trained.folds:
        network = trained.network(fold)
        body, made, found = _made_anew(network, body, trained.activation, size, threads, device)
        networks.append(made)
        largest = max(largest, found)
    say(f"onnx    {len(networks)} networks are made anew; largest difference of a probability from torch {largest:.1g}")
    return networks


def _made_anew(
    network: nn.Module, body: bytes | None, activation: Activation, size: tuple[int, int], threads: int, device: str
) -> tuple[bytes, OnnxNetwork, float]:
    """A file's bytes, what predicts from them, and how far that is from torch; of another fold's `body` if that does.

    DataError where an export of its own is too far from torch as well.
    """
    swapped = with_weights(body, network, activation, size) if body else None
    own = swapped or to_onnx(network, activation, size)
    made = onnx_network(own, threads, device)
    try:
        return own, made, difference(made, network, activation, size)
    except DataError:
        if swapped is None:
            raise
    return _made_anew(network, None, activation, size, threads, device)


def check_views(views: Sequence[View], size: tuple[int, int]) -> None:
    """DataError where a view makes other images than those of a file: ONNX's networks take uint8 of one size."""
    blank = torch.from_numpy(np.zeros((1, *size, 3), np.uint8))  # (1, H, W, 3)
    for position, view in enumerate(views):
        seen = view(blank)
        if seen.dtype != blank.dtype or seen.shape != blank.shape:
            made = f"{str(seen.dtype).removeprefix('torch.')} images of {seen.shape[1]}x{seen.shape[2]}"
            raise DataError(
                f"tta[{position}] makes {made}, and ONNX's networks take uint8 ones of {size[0]}x{size[1]}: "
                "--backend torch would be right."
            )
