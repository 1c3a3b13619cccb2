"""Augmentation pipelines as plain functions over albumentations 2.0.8; uint8 in, uint8 out, always (H, W, 3).

albumentations draws the same numbers in every worker process and in every epoch, whatever is seeded. Here the
pipeline is seeded for each image from (seed, epoch, image), so a result depends on nothing else: not on the number of
workers, not on the order of the images.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import albumentations as A

Image = NDArray[np.uint8]  # (H, W, 3)

cv2.setNumThreads(0)  # threads of OpenCV and of worker processes fight for cores


@dataclass(frozen=True)
class Transform:
    """A function of an image and a key of whole numbers (seed, epoch, image), with the size (H, W) of what it gives.

    The size lets the decoder leave out pixels that would be averaged away anyway.
    """

    size: tuple[int, int]
    apply: Callable[[Image, Sequence[int]], Image]

    def __call__(self, image: Image, key: Sequence[int]) -> Image:
        """The transformed image, (H, W, 3)."""
        return self.apply(image, key)


def resize(*, size: tuple[int, int]) -> Transform:
    """The image at `size` (H, W), each pixel the mean of those it covers (INTER_AREA); nothing random."""
    return Transform(size, partial(_resized, size))


def flip_shift_colour(
    *,
    size: tuple[int, int],
    flip: float,
    shift: float,
    scale: float,
    rotate: float,
    brightness: float,
    contrast: float,
) -> Transform:
    """A light pipeline for faces and hands.

    size: (H, W) in pixels. flip: probability of a mirror image. shift: largest move, as a share of the side.
    scale: largest change of scale, as a share. rotate: largest turn, in degrees. brightness, contrast: largest change,
    as a share.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask a server for newer versions
    import albumentations as A  # here: it takes a second that --help need not wait for

    height, width = size
    pipeline = A.Compose(
        [
            A.Resize(height, width, interpolation=cv2.INTER_AREA),
            A.HorizontalFlip(p=flip),
            A.Affine(
                translate_percent=(-shift, shift),
                scale=(1 - scale, 1 + scale),
                rotate=(-rotate, rotate),
                border_mode=cv2.BORDER_REFLECT_101,
                p=1.0,
            ),
            A.RandomBrightnessContrast(brightness_limit=brightness, contrast_limit=contrast, p=1.0),
        ]
    )
    return seeded(pipeline, size)


def seeded(pipeline: "A.Compose", size: tuple[int, int]) -> Transform:
    """An albumentations pipeline that gives images of `size`, drawn anew from each key."""

    return Transform(size, partial(_augmented, pipeline))


# Functions of the module, not closures: where workers are spawned, a transform is pickled to reach them.


def _resized(size: tuple[int, int], image: Image, key: Sequence[int]) -> Image:
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _augmented(pipeline: "A.Compose", image: Image, key: Sequence[int]) -> Image:
    pipeline.set_random_seed(int(np.random.SeedSequence(list(key)).generate_state(1)[0]))
    transformed: Image = pipeline(image=image)["image"]
    return transformed
