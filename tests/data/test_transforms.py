import pickle
from functools import partial

import cv2
import numpy as np
import pytest

from data.transforms import flip_shift_colour, mirror, resize

augment = partial(flip_shift_colour, flip=0.5, shift=0.1, scale=0.2, rotate=10, brightness=0.2, contrast=0.2)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)


def test_the_same_key_gives_the_same_pixels_whatever_came_before(image) -> None:
    first, second = augment(size=(32, 24)), augment(size=(32, 24))
    for epoch in range(3):
        second(image, (1, epoch, 99))  # another history
    np.testing.assert_array_equal(first(image, (1, 2, 3)), second(image, (1, 2, 3)))


@pytest.mark.parametrize("key", [(2, 2, 3), (1, 3, 3), (1, 2, 4)], ids=["seed", "epoch", "image"])
def test_each_part_of_the_key_counts(image, key) -> None:
    transform = augment(size=(32, 24))
    assert not np.array_equal(transform(image, (1, 2, 3)), transform(image, key))


def test_many_keys_draw_many_augmentations(image) -> None:
    transform = augment(size=(32, 24))
    assert len({transform(image, (1, epoch, 7)).tobytes() for epoch in range(50)}) == 50


def test_steps_of_a_pipeline_draw_independently_of_each_other() -> None:
    """Seeded as a pipeline, albumentations' steps all draw the same numbers: what is bright had always moved down."""
    transform = flip_shift_colour(size=(40, 40), flip=0.5, shift=0.2, scale=0, rotate=0, brightness=0.15, contrast=0)
    square = np.zeros((40, 40, 3), np.uint8)
    square[14:26, 14:20], square[14:26, 20:26] = 100, 140  # the right half is lighter
    seen = np.stack([transform(square, (1, 2, image))[:, :, 0] for image in range(400)]).astype(int)
    shown = seen > seen.min((1, 2), keepdims=True) + 50  # (400, 40, 40)
    rows, columns = (np.array([np.nonzero(one)[axis].mean() for one in shown]) for axis in (0, 1))
    lightest = seen == seen.max((1, 2), keepdims=True)
    mirrored = np.array([np.nonzero(one)[1].mean() for one in lightest]) < columns
    drawn = np.corrcoef(np.stack([seen.max((1, 2)), rows, columns, mirrored]).astype(float))
    assert 0.4 < mirrored.mean() < 0.6 and rows.std() > 3 and columns.std() > 3
    assert np.abs(drawn[~np.eye(4, dtype=bool)]).max() < 0.2  # 1 / sqrt(400) = 0.05 by chance


def test_resize_takes_the_mean_of_the_pixels_it_covers(image) -> None:
    resized = resize(size=(30, 20))(image, (0, 0, 0))
    means = image.reshape(30, 2, 20, 2, 3).mean((1, 3))
    assert resized.dtype == np.uint8 and np.abs(resized - means).max() <= 0.5
    assert resize(size=(32, 24))(image, (0,)).shape == augment(size=(32, 24))(image, (0,)).shape == (32, 24, 3)


def test_with_nothing_to_do_augmentation_is_resizing(image) -> None:
    still = flip_shift_colour(size=(30, 20), flip=0, shift=0, scale=0, rotate=0, brightness=0, contrast=0)
    np.testing.assert_array_equal(still(image, (1, 2, 3)), resize(size=(30, 20))(image, (1, 2, 3)))


def test_a_share_of_the_images_is_mirrored_and_which_is_drawn_by_key(image) -> None:
    transform, still = mirror(size=(30, 20), flip=0.3), resize(size=(30, 20))(image, (0,))
    seen = [transform(image, (1, 2, number)) for number in range(1000)]
    mirrored = [np.array_equal(one, still[:, ::-1]) for one in seen]
    assert 250 < sum(mirrored) < 350
    assert sum(np.array_equal(one, still) for one in seen) == 1000 - sum(mirrored)
    assert mirrored != [np.array_equal(transform(image, (1, 3, number)), still[:, ::-1]) for number in range(1000)]
    again = np.stack([still] * 1000)
    transform.on_batch(again, np.array([(1, 2, number) for number in range(1000)], np.uint64))
    np.testing.assert_array_equal(again, np.stack(seen))


def test_transforms_reach_workers_that_are_spawned(image) -> None:
    for transform in (augment(size=(32, 24)), resize(size=(32, 24)), mirror(size=(32, 24), flip=0.5)):
        copy = pickle.loads(pickle.dumps(transform))  # noqa: S301 - our own bytes
        np.testing.assert_array_equal(copy(image, (1, 2, 3)), transform(image, (1, 2, 3)))


def test_opencv_leaves_the_cores_to_torch_and_the_workers() -> None:
    assert cv2.getNumThreads() <= 1
