import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from data.augmentations import centre_crop, crop_blur_cutout, face_cutout, larger
from data.cache_build import CacheSettings, open_cache
from data.datasets import ImageDataset
from data.errors import DataError
from data.reading import read_data
from data.transforms import Transform, resize, working_image

SIZE = (32, 24)
COLOURS = {"brightness": 0.2, "contrast": 0.2, "hue": 10, "saturation": 20, "clahe": 0.5, "cutout_side": 0.3}
PIPELINES = {
    "heavy": partial(
        crop_blur_cutout, size=SIZE, crop=0.7, flip=0.5, rotate=15, blur=0.5, noise=0.5, cutout=0.5, **COLOURS
    ),
    "face": partial(
        face_cutout, size=SIZE, crop=(0.8, 0.6), flip=0.5, shift=0.1, scale=0.1, rotate=10, cutout=0.5, **COLOURS
    ),
}
NONE = {"flip": 0, "rotate": 0, "brightness": 0, "contrast": 0, "hue": 0, "saturation": 0, "clahe": 0, "cutout": 0}


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", PIPELINES)
def test_the_key_alone_decides_and_each_part_of_it_counts(name: str, image) -> None:
    first, second = PIPELINES[name](), PIPELINES[name]()
    for epoch in range(5):
        second(image, (1, epoch, 99))  # another history
    expected = first(image, (1, 2, 3))
    assert expected.shape == (*SIZE, 3) and expected.dtype == np.uint8
    np.testing.assert_array_equal(second(image, (1, 2, 3)), expected)
    for key in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert not np.array_equal(first(image, key), expected)
    assert len({first(image, (1, epoch, 7)).tobytes() for epoch in range(40)}) == 40


@pytest.mark.parametrize("name", [*PIPELINES, "centre"])
def test_a_cache_serves_them_with_the_same_pixels(name: str, competition: Path, tmp_path: Path) -> None:
    data = read_data(competition)
    table = data.train.head(7)
    transform: Transform = {**PIPELINES, "centre": partial(centre_crop, size=SIZE, crop=(0.8, 0.6))}[name]()
    assert transform.working_size is not None and min(np.subtract(transform.working_size, SIZE)) > 0
    settings = CacheSettings(tmp_path, limit=2**30, processes=1)
    cache = open_cache(settings, data.root, list(table["path"]), transform.working_size, lambda text: None)
    keys = [(epoch, position) for epoch in (1, 2) for position in range(7)]
    cached, decoded = (ImageDataset(data.root, table, transform, seed=1, caches=c) for c in ([cache], []))
    batch = cached.__getitems__(keys)["features"]
    assert batch.shape == (14, *SIZE, 3) and torch.equal(batch, decoded.__getitems__(keys)["features"])


def test_holes_mirror_images_and_noise_come_independently() -> None:
    """albumentations' own seeding draws the same number for each step's chance: all of them, or none."""
    rest = {"crop": 1.0, "blur": 0, "cutout_side": 0.3} | NONE | {"flip": 0.5, "noise": 0.5, "cutout": 0.5}
    transform = crop_blur_cutout(size=SIZE, **rest)
    ramp = np.repeat(np.linspace(20, 100, 24).astype(np.uint8)[None, :, None], 32, axis=0).repeat(3, axis=2)
    seen = np.stack([transform(ramp, (1, 1, image)) for image in range(500)]).astype(int)
    hole = (seen == 127).all(3).any((1, 2))
    mirrored = (seen[:, :, 0, 0].mean(1) > seen[:, :, -1, 0].mean(1)).astype(float)
    noisy = (seen[..., 0] != seen[..., 1]).any((1, 2))
    together = np.corrcoef(np.stack([hole, mirrored, noisy]).astype(float))
    assert np.abs(together[~np.eye(3, dtype=bool)]).max() < 0.2  # 1 / sqrt(500) = 0.045 by chance


@pytest.mark.parametrize("name", PIPELINES)
def test_transforms_reach_workers_that_are_spawned(name: str, image) -> None:
    transform = PIPELINES[name]()
    copy = pickle.loads(pickle.dumps(transform))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(copy(image, (1, 2, 3)), transform(image, (1, 2, 3)))


def test_with_nothing_else_to_do_a_face_is_the_centre_crop(image) -> None:
    still = face_cutout(size=SIZE, crop=(0.8, 0.6), shift=0, scale=0, cutout_side=0.1, **NONE)
    centre = centre_crop(size=SIZE, crop=(0.8, 0.6))
    assert still.working_size == centre.working_size == (40, 40)
    np.testing.assert_array_equal(still(image, (1, 2, 3)), centre(image, (0, 0, 0)))
    whole = working_image(image, (40, 40))
    np.testing.assert_array_equal(centre(image, (0, 0, 0)), whole[4:36, 8:32])
    uncut = centre_crop(size=SIZE, crop=(1.0, 1.0))
    np.testing.assert_array_equal(uncut(image, (0,)), resize(size=SIZE)(image, (0,)))


def test_the_head_room_is_enough_for_the_moves(image) -> None:
    """A move within the margin shows pixels of the image, none that a border invents."""
    black = np.zeros((40, 40, 3), np.uint8)
    black[4:36, 8:32] = 200
    moving = face_cutout(size=SIZE, crop=(0.8, 0.6), shift=0.12, scale=0, cutout_side=0.1, **NONE)
    lit = [(moving(black, (0, epoch, 0)) == 200).all(2).mean() for epoch in range(40)]
    assert min(lit) > (1 - 0.13) * (1 - 0.17) - 0.05 and min(lit) < 0.9, "moved by up to 12 % of each side"


def test_heavy_crops_have_the_pixels_that_the_network_takes(image) -> None:
    plain = crop_blur_cutout(size=SIZE, crop=0.5, blur=0, noise=0, cutout_side=0.1, **NONE)
    assert plain.working_size == (64, 48)
    ramp = np.broadcast_to(np.linspace(0, 240, 64).astype(np.uint8)[:, None, None], (64, 48, 3)).copy()
    spans = [np.ptp(plain(ramp, (0, epoch, 0))) / 240 for epoch in range(200)]
    assert min(spans) == pytest.approx(0.5, abs=0.08) and max(spans) == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize(
    ("name", "what"), [("heavy", "hole"), ("heavy", "flip"), ("heavy", "noise"), ("face", "hole"), ("face", "clahe")]
)
def test_each_part_of_a_pipeline_acts(name: str, what: str) -> None:
    keyword = {"hole": "cutout"}.get(what, what)
    rest = {"size": SIZE, "cutout_side": 0.3, **NONE}
    rest |= {"crop": 1.0, "blur": 0, "noise": 0} if name == "heavy" else {"crop": (1.0, 1.0), "shift": 0, "scale": 0}
    ramp = np.zeros((*SIZE, 3), np.uint8)
    ramp[:, :, 0] = np.arange(24) * 10
    ramp[:, :, 1:] = 40
    function = PIPELINES[name].func
    acted = function(**(rest | {keyword: 1.0}))(ramp, (1, 2, 3))
    np.testing.assert_array_equal(function(**rest)(ramp, (1, 2, 3)), ramp)
    if what == "hole":
        hole = (acted == 127).all(2)
        sides = np.ptp(np.argwhere(hole), axis=0) + 1
        assert hole.sum() == sides.prod() and (sides <= np.array(SIZE) * 0.3 + 1).all() and (sides >= 2).all()
        np.testing.assert_array_equal(acted[~hole], ramp[~hole])
    elif what == "flip":
        np.testing.assert_array_equal(acted, ramp[:, ::-1])
    else:
        assert not np.array_equal(acted, ramp)


def test_working_sizes_are_rounded_up() -> None:
    assert larger((128, 96), (0.8, 0.8)) == (160, 120) and larger((100, 100), (0.3, 1.0)) == (334, 100)


@pytest.mark.parametrize("crop", [(0.0, 0.5), (0.5, 1.1)])
def test_a_crop_that_is_no_share_is_one_sentence(crop) -> None:
    with pytest.raises(DataError, match="a share above 0, up to 1, is right"):
        centre_crop(size=SIZE, crop=crop)
    with pytest.raises(DataError, match="crop=1.5; a share above 0"):
        PIPELINES["heavy"](crop=1.5)
