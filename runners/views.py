"""Test-time views: the same images seen differently; probabilities of all views are averaged."""

import torch


def identity(images: torch.Tensor) -> torch.Tensor:
    """The images as they are, (B, H, W, 3)."""
    return images


def hflip(images: torch.Tensor) -> torch.Tensor:
    """The mirror images, (B, H, W, 3)."""
    return images.flip(2)
