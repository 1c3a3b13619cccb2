"""The reference is albumentations, which draws the same things and makes the same pixels of them, image by image."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from data.warp import FlipShiftColour, affine_matrices, mirror, recolour, warp

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations as A  # noqa: E402
import cv2  # noqa: E402

PIXELS, SCALES, TURNS = st.integers(-6, 6), st.floats(0.8, 1.25), st.floats(-30, 30)


def smooth(height: int = 40, width: int = 31) -> np.ndarray:
    """A picture without edges: where coordinates are rounded differently, its pixels hardly are."""
    rows, columns = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(rows / a + columns / b) for a, b in ((9, 7), (6, 11), (13, 8))]
    return np.stack(waves, axis=2).astype(np.uint8)  # (H, W, 3)


def matrices_of(image: np.ndarray, right=0.0, down=0.0, wide=1.0, tall=1.0, degrees=0.0, mirrored=False) -> np.ndarray:
    return affine_matrices(
        image.shape[:2],
        shift=np.array([[right, down]]),
        scale=np.array([[wide, tall]]),
        turn=np.radians([degrees]),
        mirrored=np.array([mirrored]),
    )


@settings(max_examples=60)
@given(PIXELS, PIXELS, SCALES, SCALES, TURNS, st.booleans())
def test_moved_scaled_turned_and_mirrored_as_albumentations_does(right, down, wide, tall, degrees, mirrored) -> None:
    image = smooth()
    steps = [A.HorizontalFlip(p=1.0)] if mirrored else []
    exact = {"x": (wide, wide), "y": (tall, tall)}
    moved = {"x": (right, right), "y": (down, down)}  # it moves by whole pixels
    affine = A.Affine(
        scale=exact, translate_px=moved, rotate=(degrees, degrees), border_mode=cv2.BORDER_REFLECT_101, p=1.0
    )
    wanted = A.Compose([*steps, affine])(image=image)["image"].astype(int)
    images = image[None].copy()
    warp(images, matrices_of(image, right / 31, down / 40, wide, tall, degrees, mirrored))
    assert np.abs(images[0].astype(int) - wanted).max() <= 2


@given(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_brighter_and_of_more_contrast_as_albumentations_does(brightness: float, contrast: float) -> None:
    image = smooth()
    step = A.RandomBrightnessContrast((brightness, brightness), (contrast, contrast), p=1.0)
    wanted = A.Compose([step])(image=image)["image"].astype(int)
    images = image[None].copy()
    recolour(images, np.array([1 + contrast]), np.array([255 * brightness]))
    assert np.abs(images[0].astype(int) - wanted).max() <= 1


def test_a_shift_of_whole_pixels_moves_pixels() -> None:
    image = smooth(40, 30)
    images = image[None].copy()
    warp(images, matrices_of(image, right=0.1, down=-0.2))  # 3 to the right, 8 up
    np.testing.assert_array_equal(images[0, :-8, 3:], image[8:, :-3])


def test_only_the_chosen_are_mirrored() -> None:
    images = np.stack([smooth()] * 3)
    mirror(images, np.array([True, False, True]))
    np.testing.assert_array_equal(images, np.stack([smooth()[:, ::-1], smooth(), smooth()[:, ::-1]]))


@pytest.mark.parametrize("parts", [[4], [1, 3], [2, 1, 1]])
def test_an_image_does_not_depend_on_the_batch_it_is_in(parts: list[int]) -> None:
    augment = FlipShiftColour(flip=0.5, shift=0.1, scale=0.1, rotate=9, brightness=0.2, contrast=0.2)
    keys = np.array([(42, 1, 2**63 + number) for number in range(4)], np.uint64)
    together, apart = np.stack([smooth()] * 4), np.stack([smooth()] * 4)
    augment(together, keys)
    start = 0
    for length in parts:
        augment(apart[start : start + length], keys[start : start + length])
        start += length
    np.testing.assert_array_equal(apart, together)
    assert len({image.tobytes() for image in together}) == 4


def test_brightness_is_drawn_evenly_over_its_range() -> None:
    augment = FlipShiftColour(flip=0.0, shift=0.0, scale=0.0, rotate=0.0, brightness=0.2, contrast=0.0)
    images = np.full((4000, 1, 1, 3), 128, np.uint8)
    augment(images, np.array([(42, 1, number) for number in range(len(images))], np.uint64))
    drawn = (images[:, 0, 0, 0].astype(float) + 0.5 - 128) / 255  # its last digit is cut off
    assert kstest(drawn / 0.4 + 0.5, "uniform").pvalue > 1e-4 and np.abs(drawn).max() < 0.203
