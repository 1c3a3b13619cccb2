from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from runners.record import from_record, to_record
from runners.views import crop, hflip, identity, scaled


@pytest.fixture
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 40, 30, 3), dtype=torch.uint8, generator=generator)


def test_views_take_and_give_batches_of_images(images) -> None:
    assert torch.equal(identity(images), images)
    np.testing.assert_array_equal(hflip(images), images.numpy()[:, :, ::-1])


@pytest.mark.parametrize(
    ("top", "left", "box"),
    [(0.0, 0.0, (0, 0)), (1.0, 1.0, (8, 6)), (0.5, 0.5, (4, 3)), (0.0, 1.0, (0, 6))],
)
def test_a_crop_is_pillows_part_of_the_image_resized(images, top: float, left: float, box: tuple[int, int]) -> None:
    seen = crop(images, share=0.8, top=top, left=left)
    assert seen.shape == images.shape
    for image, ours in zip(images.numpy(), seen.numpy(), strict=True):
        part = image[box[0] : box[0] + 32, box[1] : box[1] + 24]
        expected = np.asarray(Image.fromarray(part).resize((30, 40), Image.Resampling.BILINEAR), float)
        assert np.abs(ours - expected).max() <= 1.5  # Pillow rounds in between


def test_a_whole_crop_is_the_image(images) -> None:
    torch.testing.assert_close(crop(images, share=1.0, top=0.5, left=0.5), images.float())


@pytest.mark.parametrize(("factor", "size"), [(1.5, (60, 45)), (0.5, (20, 15)), (1.0, (40, 30))])
def test_scaled_is_pillows_resize(images, factor: float, size: tuple[int, int]) -> None:
    seen = scaled(images, factor=factor)
    assert seen.shape == (2, *size, 3)
    for image, ours in zip(images.numpy(), seen.numpy(), strict=True):
        expected = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR), float)
        assert np.abs(ours - expected).max() <= 1.5


def test_half_the_scale_is_blurred_by_averages_not_by_leaving_out(images) -> None:
    stripes = torch.zeros(1, 40, 30, 3)
    stripes[:, ::2] = 200.0
    inner = scaled(stripes, factor=0.25)[:, 2:-2]
    assert (inner - 100).abs().max() < 15


@pytest.mark.parametrize(
    "declared",
    [{"share": 0.0, "top": 0, "left": 0}, {"share": 1.2, "top": 0, "left": 0}, {"share": 0.5, "top": 2, "left": 0}],
)
def test_parts_outside_the_image_are_refused(images, declared) -> None:
    with pytest.raises(ValueError, match="crop takes a share above 0, up to 1"):
        crop(images, **declared)
    with pytest.raises(ValueError, match="scaled takes a factor above 0, not 0"):
        scaled(images, factor=0)


def test_views_with_parameters_are_recorded(images) -> None:
    view = partial(crop, share=0.8, top=0.0, left=0.5)
    again = from_record(to_record((identity, view, partial(scaled, factor=1.25)), "tta"))
    assert (
        again[0] is identity and torch.equal(again[1](images), view(images)) and again[2].keywords == {"factor": 1.25}
    )
