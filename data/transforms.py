"""Augmentation pipelines as plain functions; uint8 in, uint8 out, always (H, W, 3).

The light one is done to whole batches (data.warp), the heavy ones are albumentations 2.0.8 (data.augmentations). That
draws the same numbers in every worker process and in every epoch, whatever is seeded, and seeded anew
it draws the same numbers in every step of a pipeline. Here all that is drawn is a function of (seed, epoch, image), and
a result depends on nothing else: not on the number of workers, not on the order of the images.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from data.draws import Key, Keys, reseed
from data.warp import FlipShiftColour, Images

if TYPE_CHECKING:
    import albumentations as A

Image = NDArray[np.uint8]  # (H, W, 3)

cv2.setNumThreads(0)  # threads of OpenCV and of worker processes fight for cores


@dataclass(frozen=True)
class Transform:
    """A function of an image and a key of whole numbers (seed, epoch, image).

    size: (H, W) that a decoder may come down to, leaving out pixels that would be averaged away anyway.
    working_size: (H, W) that every image is brought to first, by :func:`working_image`; that is what a cache keeps.
    None: `apply` takes images as they are decoded, and no cache serves it.
    apply: None where no image is changed by itself after that first step.
    on_batch: what is then done, in place, to a whole batch (B, H, W, 3) with the keys (B, 3); None where nothing is.
    """

    size: tuple[int, int]
    working_size: tuple[int, int] | None
    apply: Callable[[Image, Sequence[int]], Image] | None
    on_batch: Callable[[Images, Keys], None] | None = None

    def __call__(self, image: Image, key: Key) -> Image:
        """The transformed image, (H, W, 3)."""
        image = self.one(image, key)
        if self.on_batch is None:
            return image
        images = image[None].copy()
        self.on_batch(images, np.array([key], np.uint64))
        transformed: Image = images[0]
        return transformed

    def one(self, image: Image, key: Key) -> Image:
        """What is done to an image by itself, (H, W, 3)."""
        if self.working_size is not None:
            image = working_image(image, self.working_size)
        return image if self.apply is None else self.apply(image, key)


def working_image(image: Image, size: tuple[int, int]) -> Image:
    """The image at `size` (H, W), each pixel the mean of those it covers (INTER_AREA); itself if it has that size."""
    if image.shape[:2] == size:
        return image
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def resize(*, size: tuple[int, int]) -> Transform:
    """The image at `size` (H, W); nothing random."""
    return Transform(size, size, None)


def mirror(*, size: tuple[int, int], flip: float) -> Transform:
    """The image at `size` (H, W), or its mirror image with probability `flip`."""
    return flip_shift_colour(size=size, flip=flip, shift=0, scale=0, rotate=0, brightness=0, contrast=0)


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
    augment = FlipShiftColour(
        flip=flip, shift=shift, scale=scale, rotate=rotate, brightness=brightness, contrast=contrast
    )
    return Transform(size, size, None, augment)


def seeded(pipeline: "A.Compose", size: tuple[int, int], working_size: tuple[int, int] | None) -> Transform:
    """An albumentations pipeline drawn anew from each key; sizes as :class:`Transform` has them."""
    generators = np.random.default_rng(0), random.Random(0)  # noqa: S311 - no secret; put where each key says
    return Transform(size, working_size, partial(_augmented, pipeline, *generators))


# A function of the module, not a closure: where workers are spawned, a transform is pickled to reach them.


def _augmented(
    pipeline: "A.Compose", generator: np.random.Generator, chances: random.Random, image: Image, key: Key
) -> Image:
    reseed(generator, chances, key)
    # One generator for all steps: set_random_seed gives each its own with the same seed, and then all draw the same
    # numbers, so that the images which are mirrored are those which are blurred, and the bright ones those moved down.
    pipeline.set_random_state(generator, chances)
    transformed: Image = pipeline(image=image)["image"]
    return transformed
