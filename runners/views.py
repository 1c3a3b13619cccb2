"""Test-time views: the same images seen differently; probabilities of all views are averaged.

A view takes images (B, H, W, 3) of 0..255; what is left to state is given by functools.partial:
partial(crop, share=0.9, top=0.0, left=0.5).
"""

import torch
from torch.nn import functional


def identity(images: torch.Tensor) -> torch.Tensor:
    """The images as they are, (B, H, W, 3)."""
    return images


def hflip(images: torch.Tensor) -> torch.Tensor:
    """The mirror images, (B, H, W, 3)."""
    return images.flip(2)


def crop(images: torch.Tensor, *, share: float, top: float, left: float) -> torch.Tensor:
    """A part of the images, that share of both sides, brought back to their size: float32 (B, H, W, 3).

    top, left: where the part lies, from 0 (at the upper or left border) over 0.5 (centre) to 1 (at the other one).
    """
    if not (0 < share <= 1 and 0 <= top <= 1 and 0 <= left <= 1):
        raise ValueError(f"crop takes a share above 0, up to 1, top and left from 0 to 1, not {share}, {top}, {left}")
    height, width = images.shape[1:3]
    rows, columns = max(1, round(height * share)), max(1, round(width * share))
    first_row, first_column = round((height - rows) * top), round((width - columns) * left)
    part = images[:, first_row : first_row + rows, first_column : first_column + columns]
    return _resized(part, height, width)


def scaled(images: torch.Tensor, *, factor: float) -> torch.Tensor:
    """The images larger or smaller, float32 (B, factor * H, factor * W, 3): for networks that take any size."""
    if not factor > 0:
        raise ValueError(f"scaled takes a factor above 0, not {factor}")
    height, width = images.shape[1:3]
    return _resized(images, max(1, round(height * factor)), max(1, round(width * factor)))


def _resized(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Bilinear; a smaller image's pixels are means of all that they cover."""
    pixels = images.permute(0, 3, 1, 2).float()  # (B, 3, h, w)
    if pixels.shape[2:] != (height, width):
        pixels = functional.interpolate(pixels, (height, width), mode="bilinear", align_corners=False, antialias=True)
    return pixels.permute(0, 2, 3, 1)
