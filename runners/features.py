"""What a network knows of images: the inputs of its last layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data.errors import DataError
from data.loaders import raise_failure
from runners.inference import View
from runners.stop import BATCH_SECONDS, current_stop


def last_layer(model: nn.Module) -> nn.Linear:
    """The linear layer that makes the logits; DataError for a network that makes them in another way."""
    backbone: Any = getattr(model, "backbone", None)
    layer = backbone.get_classifier() if hasattr(backbone, "get_classifier") else None
    around = [part for part in model.children() if part is not backbone and not isinstance(part, nn.Identity)]
    if not isinstance(layer, nn.Linear) or layer.bias is None or around:
        raise DataError(
            f"model: a linear probe replaces the last layer of a timm network, and {type(model).__name__} does not "
            "end with one linear layer: timm_classifier would be right."
        )
    return layer


@torch.inference_mode()
def features(
    model: nn.Module, loader: Any, views: Sequence[View], device: str, tick: Callable[[], None]
) -> NDArray[np.float32]:
    """Inputs (V, N, F) of the last layer for each view of N images, in the order of the loader's table.

    `tick()` is called after each batch, and a stop that is asked for (runners.stop) heeded then. Raises DataError where
    a number is not finite.
    """
    model.to(device).eval()
    layer, seen = last_layer(model), list[torch.Tensor]()
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    found = np.zeros((len(views), len(loader.dataset), layer.in_features), np.float32)
    try:
        with current_stop().awaited(BATCH_SECONDS) as stop:
            for batch in loader:
                raise_failure(batch)
                images = batch["features"].to(device, non_blocking=True)  # (B, H, W, 3)
                seen.clear()
                for view in views:
                    model(view(images))
                found[:, batch["index"].numpy()] = torch.stack(seen).float().cpu().numpy()  # (V, B, F)
                tick()
                stop.heed_if_asked()
    finally:
        hook.remove()
    if not np.isfinite(found).all():
        raise DataError("model: some features are not finite numbers: its pretrained weights are damaged.")
    return found
