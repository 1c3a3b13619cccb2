"""A batch of images moved, turned and recoloured: one resampling by OpenCV and one look-up an image, in place."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data.draws import Floats, Keys, uniform

Images = NDArray[np.uint8]  # (B, H, W, 3)

_FLIP, _DOWN, _RIGHT, _TALL, _WIDE, _TURN, _BRIGHTNESS, _CONTRAST = range(1, 9)  # streams of draws


@dataclass(frozen=True)
class FlipShiftColour:
    """Mirror image, move, scale, turn, brightness and contrast, each drawn for itself from the image's key.

    Parameters as :func:`data.transforms.flip_shift_colour` has them. albumentations' HorizontalFlip, Affine (which
    moves by whole pixels) and RandomBrightnessContrast make the same pixels of the same numbers, in two to six times
    the time.
    """

    flip: float
    shift: float
    scale: float
    rotate: float
    brightness: float
    contrast: float

    def __call__(self, images: Images, keys: Keys) -> None:
        """Change images (B, H, W, 3) as their keys (B, 3) say."""
        mirrored = uniform(keys, _FLIP) < self.flip  # (B,)
        if self.shift or self.scale or self.rotate:
            down, right, tall, wide, turn = (
                uniform(keys, stream) * 2 - 1 for stream in (_DOWN, _RIGHT, _TALL, _WIDE, _TURN)
            )
            matrices = affine_matrices(
                images.shape[1:3],
                shift=np.stack([right, down], axis=1) * self.shift,
                scale=1 + np.stack([wide, tall], axis=1) * self.scale,
                turn=np.radians(turn * self.rotate),
                mirrored=mirrored,
            )
            warp(images, matrices)
        else:
            mirror(images, mirrored)
        if self.brightness or self.contrast:
            gain = 1 + (uniform(keys, _CONTRAST) * 2 - 1) * self.contrast
            offset = 255 * (uniform(keys, _BRIGHTNESS) * 2 - 1) * self.brightness
            recolour(images, gain, offset)


def mirror(images: Images, chosen: NDArray[np.bool_]) -> None:
    """Turn the chosen (B,) of images (B, H, W, 3) into their mirror images."""
    for number in np.flatnonzero(chosen):
        cv2.flip(images[number], 1, dst=images[number])  # numpy steps back byte by byte, and takes ten times as long


def affine_matrices(
    size: tuple[int, ...], *, shift: Floats, scale: Floats, turn: Floats, mirrored: NDArray[np.bool_]
) -> Floats:
    """Where the pixels (x, y) of images of `size` (H, W) go, (B, 2, 3): mirrored, scaled and turned about the centre.

    shift, scale: (B, 2) for x and y, the shift as a share of the width and the height. turn: (B,) radians, to the left.
    """
    height, width = size
    cos, sin = np.cos(turn), np.sin(turn)
    turned = np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)  # (B, 2, 2)
    signs = np.stack([np.where(mirrored, -1.0, 1.0), np.ones(len(turn))], axis=1)  # (B, 2)
    linear = turned * (scale * signs)[:, None, :]  # (B, 2, 2): columns are scaled first
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    moved = centre + shift * (width, height) - linear @ centre  # (B, 2)
    matrices: Floats = np.concatenate([linear, moved[:, :, None]], axis=2)
    return matrices


def warp(images: Images, matrices: Floats) -> None:
    """Move the pixels of images (B, H, W, 3) by matrices (B, 2, 3): bilinear, mirrored where nothing is known."""
    size = images.shape[2], images.shape[1]
    for image, matrix in zip(images, matrices, strict=True):
        image[:] = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def recolour(images: Images, gain: Floats, offset: Floats) -> None:
    """Values of images (B, H, W, 3) times gain (B,) plus offset (B,), cut to 0..255."""
    tables = np.arange(256) * gain[:, None] + offset[:, None]  # (B, 256)
    for image, table in zip(images, np.clip(tables, 0, 255).astype(np.uint8), strict=True):
        cv2.LUT(image, table, dst=image)
