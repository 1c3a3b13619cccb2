"""Probabilities of images under trained weights, averaged over test-time views."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data.errors import DataError, quote
from data.loaders import raise_failure

View = Callable[[torch.Tensor], torch.Tensor]  # of images (B, H, W, 3)
Activation = Callable[[torch.Tensor], torch.Tensor]  # logits (B, C) to probabilities (B, C)


@torch.inference_mode()
def predict(
    model: nn.Module,
    loader: Any,
    views: Sequence[View],
    activation: Activation,
    device: str,
    tick: Callable[[], None],
) -> NDArray[np.float32]:
    """Probabilities (N, C) in the order of the loader's table: `activation` of each view's logits, then their mean.

    `tick()` is called after each batch. Raises DataError where a probability is not a finite number.
    """
    model.to(device).eval()
    probabilities: NDArray[np.float32] | None = None
    for batch in loader:
        raise_failure(batch)
        images = batch["features"].to(device, non_blocking=True)  # (B, H, W, 3)
        mean = torch.stack([activation(model(view(images))) for view in views]).mean(0)  # (B, C)
        if probabilities is None:
            probabilities = np.zeros((len(loader.dataset), mean.shape[1]), np.float32)
        probabilities[batch["index"].numpy()] = mean.cpu().numpy()
        tick()
    if probabilities is None:
        raise ValueError("the loader has no batch")
    damaged = np.flatnonzero(~np.isfinite(probabilities).all(1))
    if len(damaged):
        first = loader.dataset.image_ids[damaged[0]]
        raise DataError(
            f"{len(damaged)} of {len(probabilities)} images, the first {quote(first)}, got probabilities that are not "
            "finite numbers: the best weights are damaged by training; a smaller learning rate would be right."
        )
    return probabilities
