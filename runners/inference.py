"""Probabilities of images under trained networks, averaged over test-time views: one pass over the images for all."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data.errors import DataError, quote
from data.loaders import raise_failure
from runners.batch_norm import without_batch_norm
from runners.stop import BATCH_SECONDS, current_stop

Network = Callable[[torch.Tensor], torch.Tensor]  # images (B, H, W, 3) to logits (B, C): of torch, or of another maker
View = Callable[[torch.Tensor], torch.Tensor]  # of images (B, H, W, 3)
Activation = Callable[[torch.Tensor], torch.Tensor]  # logits (B, C) to probabilities (B, C)

CPU_IMAGES = 32  # of a forward pass on a processor: with fewer or more of them each costs more (docs/inference.md)


@torch.inference_mode()
def predict(
    networks: Sequence[Network],
    loader: Any,
    views: Sequence[View],
    activation: Activation,
    device: str,
    tick: Callable[[], None],
) -> NDArray[np.float32]:
    """Probabilities (K, N, C) of K networks in the order of the loader's table; each image is read once for all.

    Of each view `activation` of its logits is taken, then their mean. `tick()` is called after each batch. Networks of
    torch are moved to `device`, put into evaluation mode, and run without their batch norms where nothing changes by
    that. A stop that is asked for (runners.stop) is heeded after the batch under way. Raises DataError where a
    probability is not a finite number.
    """
    for network in networks:
        if isinstance(network, nn.Module):
            network.to(device).eval()
    ready = list[Network]()
    probabilities: NDArray[np.float32] | None = None
    with current_stop().awaited(BATCH_SECONDS) as stop:
        for batch in loader:
            raise_failure(batch)
            images = batch["features"].to(device, non_blocking=True)  # (B, H, W, 3)
            passes = _passes([view(images) for view in views], CPU_IMAGES if device == "cpu" else len(images))
            ready = ready or [_folded(network, passes[0], activation) for network in networks]
            means = [_mean(network, passes, len(views), activation) for network in ready]  # K times (B, C)
            if probabilities is None:
                probabilities = np.zeros((len(networks), len(loader.dataset), means[0].shape[1]), np.float32)
            probabilities[:, batch["index"].numpy()] = torch.stack(means).cpu().numpy()  # (K, B, C)
            tick()
            stop.heed_if_asked()
    if probabilities is None:
        raise ValueError("the loader has no batch")
    _check_finite(probabilities, loader.dataset.image_ids)
    return probabilities


def _passes(seen: Sequence[torch.Tensor], images: int) -> list[torch.Tensor]:
    """What V views make of a batch, in their order, as forward passes of at most that many images of one size."""
    alike = groupby(seen, key=lambda view: (view.shape[1:], view.dtype))
    return [part for _, views in alike for part in torch.cat(list(views)).split(images)]


def _folded(network: Network, images: torch.Tensor, activation: Activation) -> Network:
    return without_batch_norm(network, images, activation) if isinstance(network, nn.Module) else network


def _mean(network: Network, passes: Sequence[torch.Tensor], views: int, activation: Activation) -> torch.Tensor:
    """Probabilities (B, C) of a batch, the mean over its views."""
    of_views = activation(torch.cat([network(images) for images in passes]))  # (V * B, C)
    return of_views.view(views, -1, of_views.shape[1]).mean(0)


def _check_finite(probabilities: NDArray[np.float32], image_ids: Sequence[str]) -> None:
    damaged = np.flatnonzero(~np.isfinite(probabilities).all((0, 2)))
    if len(damaged):
        first = image_ids[damaged[0]]
        raise DataError(
            f"{len(damaged)} of {len(image_ids)} images, the first {quote(first)}, got probabilities that are not "
            "finite numbers: the best weights are damaged by training; a smaller learning rate would be right."
        )
