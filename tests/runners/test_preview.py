from collections import Counter
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from callbacks.mix import mixed_batch
from data.augmentations import centre_crop
from data.balanced_samplers import oversampled
from data.mixing import HalfFaceCutMix
from data.reading import read_data
from runners.contact_sheet import draw_sheet
from runners.fold_loaders import make_loaders
from runners.preview import TILES, Strip, preview_strips
from runners.refusals import unwritten_fold
from runners.views import crop, identity, scaled

CUTMIX = partial(HalfFaceCutMix, probability=1.0, partners="other")


@pytest.fixture
def strips(declare, competition: Path):
    """Strips of a small declaration in epoch 2, and what they were made of."""

    def make(**changes: object):
        experiment, data = declare(**changes), read_data(competition)
        folds = experiment.split().assign(data.train, seed=experiment.seed)
        return preview_strips(experiment, data, folds, 2), unwritten_fold(experiment, data, folds, 0)

    return make


def first_batch(fold, epoch: int) -> dict[str, torch.Tensor]:
    """The batch that the training loader gives a run."""
    loader = make_loaders(fold)["train"]
    loader.sampler.set_epoch(epoch)
    return next(iter(loader))


def test_the_training_strip_shows_the_runs_own_pixels_and_targets(strips) -> None:
    (training, *_), fold = strips()
    batch = first_batch(fold, 2)
    np.testing.assert_array_equal(np.stack(training.images), batch["features"].numpy())
    assert training.captions == [(fold.data.class_names[target],) for target in batch["targets"]]
    assert "8 of the 8 images of batch 1, epoch 2, 32x24 pixels" in training.heading
    assert training.remark == "no sampler: an epoch takes each of the 42 training images once; no mixing"


def test_mixed_images_are_shown_with_their_shares(strips) -> None:
    (training, *_), fold = strips(mix=CUTMIX)
    mixed = mixed_batch(CUTMIX(), first_batch(fold, 2), 18, (3, 0, 2, 1))
    np.testing.assert_array_equal(np.stack(training.images), mixed["features"].numpy())
    for caption, target in zip(training.captions, mixed["targets"], strict=True):
        named = {line.split(" ", 1)[1]: line.split(" ", 1)[0] for line in caption}
        assert named == {fold.data.class_names[c]: f"{target[c]:.0%}" for c in target.nonzero()[:, 0].tolist()}
    assert "mix HalfFaceCutMix(probability=1.0, partners=other)" in training.remark


def test_a_sampler_is_told_with_its_draws(strips) -> None:
    (training, *_), fold = strips(sampler=partial(oversampled, by="gender", absent="skip"))
    counts = Counter(fold.train["gender"])
    told = f"oversampled(by=gender, absent=skip): {2 * max(counts.values())} draws, of 42 of 42 training images"
    assert training.remark.startswith(told)


def test_the_same_image_is_drawn_in_one_epoch_after_another(strips) -> None:
    (training, again, *_), fold = strips()
    assert [caption[0] for caption in again.captions] == [f"epoch {epoch}" for epoch in range(2, 2 + TILES)]
    np.testing.assert_array_equal(again.images[0], training.images[0])
    assert len({image.tobytes() for image in again.images}) == TILES


def test_validation_and_views_are_shown_as_inference_sees_them(strips) -> None:
    views = (identity, partial(crop, share=0.5, top=0.0, left=1.0), partial(scaled, factor=1.5))
    (*_, valid, tta), fold = strips(tta=views, valid_transform=partial(centre_crop, size=(20, 15), crop=(0.8, 0.8)))
    dataset = make_loaders(fold)["valid"].dataset
    shown = {
        image.tobytes() for image in dataset.__getitems__([(0, row) for row in range(len(dataset))])["features"].numpy()
    }
    assert len(valid.images) == TILES and all(image.tobytes() in shown for image in valid.images)
    image = torch.from_numpy(valid.images[0])[None]
    for seen, view in zip(tta.images, views, strict=True):
        np.testing.assert_array_equal(seen, view(image)[0].float().round().to(torch.uint8).numpy())
    assert tta.captions == [
        ("identity", "20x15"),
        ("crop", "share 0.5, top 0.0, left 1.0", "20x15"),
        ("scaled", "factor 1.5", "30x22"),
    ]


def test_the_picture_has_room_for_all_strips_and_survives_any_name() -> None:
    image = np.full((8, 6, 3), 200, np.uint8)
    image[:, :, 0] = 255
    hostile = ("$\\frac{", "a" * 300, "tab\there\x00", "", "<b>60+</b>")
    strips = [
        Strip("one", "r" * 900, [image] * 19, [hostile] * 19),
        Strip("two", "", [image, np.repeat(image, 2, 0)], [("x",), ()]),
    ]
    small, large = (Image.open(BytesIO(draw_sheet("sheet $", part))).convert("RGB") for part in (strips[1:], strips))
    assert large.width == small.width and large.height > small.height + 3 * 150
    pixels = np.asarray(large)
    tiles = (pixels == (255, 200, 200)).all(2)
    assert tiles.mean() > 0.2
    assert not tiles[:60].any() and (pixels[-30:] == 255).all(), "a title above, a margin below"
