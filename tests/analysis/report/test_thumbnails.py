import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.report.thumbnails import SIZE, thumbnail, thumbnails
from data.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, size in (("tall.jpg", (384, 512)), ("small.png", (30, 20)), ("wide.jpg", (900, 300))):
        image = Image.fromarray(rng.integers(0, 255, (*size[::-1], 3), np.uint8))
        exif = Image.Exif()
        exif[0x010E] = "who this is"  # ImageDescription
        image.save(tmp_path / name, exif=exif)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return tmp_path


def opened(picture: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture)))


@pytest.mark.parametrize(("name", "size"), [("tall.jpg", (72, 96)), ("small.png", (30, 20)), ("wide.jpg", (72, 24))])
def test_a_picture_fits_its_box_and_keeps_its_shape(folder: Path, name: str, size: tuple[int, int]) -> None:
    picture = opened(thumbnail(folder / name))
    assert (picture.format, picture.size) == ("WEBP", size) and SIZE == (72, 96)


def test_what_the_file_told_beside_its_pixels_is_left_behind(folder: Path) -> None:
    assert Image.open(folder / "tall.jpg").getexif()[0x010E] == "who this is"
    picture = opened(thumbnail(folder / "tall.jpg"))
    assert not picture.getexif() and b"who this is" not in base64.b64decode(thumbnail(folder / "tall.jpg"))


def test_pictures_are_made_in_order_until_the_budget_is_spent(folder: Path) -> None:
    paths = [(7, "tall.jpg"), (3, "wide.jpg"), (5, "small.png")]
    whole = thumbnails(folder, paths, 10**6)
    assert list(whole) == [7, 3, 5]
    enough = len(whole[7]) + len(whole[3])
    assert list(thumbnails(folder, paths, enough)) == [7, 3] and list(thumbnails(folder, paths, enough - 1)) == [7]


def test_a_damaged_image_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"broken\.jpg"):
        thumbnails(folder, [(0, "broken.jpg")], 10**6)
