"""Heavier pipelines than data.transforms.flip_shift_colour: everything at once, and the face alone.

Pipelines that cut a part out begin with images of a `working_size` larger by just that much: the part has the pixels
that the network takes, a cache keeps it, and moving it needs no invented border.
"""

import math
import os
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from data.errors import DataError
from data.transforms import Image, Transform, seeded

if TYPE_CHECKING:
    import albumentations as A

Size = tuple[int, int]  # (H, W) in pixels

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask a server for newer versions


def crop_blur_cutout(
    *,
    size: Size,
    crop: float,
    flip: float,
    rotate: float,
    brightness: float,
    contrast: float,
    hue: int,
    saturation: int,
    clahe: float,
    blur: float,
    noise: float,
    cutout: float,
    cutout_side: float,
) -> Transform:
    """A heavy pipeline: a random part of the image, turned, recoloured, blurred, with noise and a hole.

    size: (H, W) of the result. crop: the smallest part, as a share of the image's sides; the smallest one has `size`
    pixels. flip, clahe, blur, noise, cutout: probabilities of a mirror image, of local contrast (CLAHE), of blurring,
    of noise and of a hole. rotate: largest turn, in degrees. brightness, contrast: largest change, as a share. hue,
    saturation: largest change, of 180 and 255. cutout_side: largest side of the hole, as a share.
    """
    import albumentations as A  # here: it takes a second that --help need not wait for

    _check_shares(crop=crop, cutout_side=cutout_side)
    working_size = larger(size, (crop, crop))
    ratio = size[1] / size[0]
    pipeline = A.Compose(
        [
            A.HorizontalFlip(p=flip),
            A.Affine(rotate=(-rotate, rotate), border_mode=cv2.BORDER_REFLECT_101, p=1.0),
            A.RandomResizedCrop(size, scale=(crop**2, 1.0), ratio=(ratio, ratio), interpolation=cv2.INTER_AREA, p=1.0),
            *_colours(brightness, contrast, hue, saturation, clahe),
            A.GaussianBlur(sigma_limit=(0.3, 1.5), p=blur),
            A.GaussNoise(std_range=(0.01, 0.06), p=noise),
            _hole(cutout, cutout_side),
        ]
    )
    return seeded(pipeline, working_size, working_size=working_size)


def face_cutout(
    *,
    size: Size,
    crop: tuple[float, float],
    flip: float,
    shift: float,
    scale: float,
    rotate: float,
    brightness: float,
    contrast: float,
    hue: int,
    saturation: int,
    clahe: float,
    cutout: float,
    cutout_side: float,
) -> Transform:
    """The face in the middle of the image, moved, turned and recoloured, with a hole.

    size: (H, W) of the result. crop: how much of the image is kept about its centre, as shares of height and width;
    :func:`centre_crop` with the same one is the view for validation. shift: largest move, as a share of the result's
    sides. scale: largest change of scale, as a share. The others as in :func:`crop_blur_cutout`.
    """
    import albumentations as A

    _check_shares(height=crop[0], width=crop[1], cutout_side=cutout_side)
    working_size = larger(size, crop)
    moves = {axis: (-shift * kept, shift * kept) for axis, kept in (("y", crop[0]), ("x", crop[1]))}
    pipeline = A.Compose(
        [
            A.HorizontalFlip(p=flip),
            A.Affine(
                translate_percent=moves,
                scale=(1 - scale, 1 + scale),
                rotate=(-rotate, rotate),
                border_mode=cv2.BORDER_REFLECT_101,
                p=1.0,
            ),
            A.CenterCrop(*size, p=1.0),
            *_colours(brightness, contrast, hue, saturation, clahe),
            _hole(cutout, cutout_side),
        ]
    )
    return seeded(pipeline, working_size, working_size=working_size)


def centre_crop(*, size: Size, crop: tuple[float, float]) -> Transform:
    """The middle of the image at `size` (H, W): the shares `crop` of its height and width; nothing random."""
    _check_shares(height=crop[0], width=crop[1])
    working_size = larger(size, crop)
    return Transform(working_size, working_size, partial(_centre, size))


def larger(size: Size, shares: tuple[float, float]) -> Size:
    """Size (H, W) of an image of which these shares of height and width are `size`; never smaller than that."""
    height, width = (math.ceil(round(side / share, 6)) for side, share in zip(size, shares, strict=True))
    return height, width


def _centre(size: Size, image: Image, key: object) -> Image:
    top, left = (image.shape[0] - size[0]) // 2, (image.shape[1] - size[1]) // 2
    return np.ascontiguousarray(image[top : top + size[0], left : left + size[1]])


def _colours(brightness: float, contrast: float, hue: int, saturation: int, clahe: float) -> "list[A.BasicTransform]":
    import albumentations as A

    return [
        A.RandomBrightnessContrast(brightness_limit=brightness, contrast_limit=contrast, p=1.0),
        A.HueSaturationValue(hue_shift_limit=hue, sat_shift_limit=saturation, val_shift_limit=0, p=1.0),
        A.CLAHE(clip_limit=(1.0, 4.0), tile_grid_size=(4, 4), p=clahe),
    ]


def _hole(probability: float, side: float) -> "A.BasicTransform":
    """A grey box in place of a part of the image (DeVries and Taylor 2017, cutout)."""
    import albumentations as A

    sides = (side / 3, side)
    return A.CoarseDropout(
        num_holes_range=(1, 1), hole_height_range=sides, hole_width_range=sides, fill=127, p=probability
    )


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 < share <= 1:
            raise DataError(f"train_transform, valid_transform: {name}={share!r}; a share above 0, up to 1, is right.")
