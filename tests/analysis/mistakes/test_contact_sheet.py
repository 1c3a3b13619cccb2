"""A sheet shows the person's images in a row, the wrong ones framed, and never a file from elsewhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from analysis.mistakes.contact_sheet import (
    COLUMN,
    FRAME,
    HEADING,
    IMAGES,
    MARGIN,
    PALE,
    PERSONS,
    RED,
    ROW,
    TILE,
    TITLE,
    SheetRow,
    contact_sheets,
    image_file,
    person_rows,
)
from analysis.mistakes.judged_images import JudgedImages

Judge = Callable[..., JudgedImages]
Colour = tuple[int, int, int]


def colour_of(row: int) -> Colour:
    return (40 + 20 * (row % 7), 200 - 10 * (row % 7), 90)


@pytest.fixture
def judged(judge: Judge, tmp_path: Path) -> JudgedImages:
    """Two persons of seven images, each of a colour of its own; rows 1 and 9 are judged wrong."""
    targets = np.zeros(14, np.int64)
    labels = np.where(np.isin(np.arange(14), [1, 9]), 4, 0)
    found = judge(targets, np.eye(18)[labels] * 0.9 + 0.005)
    for row, path in enumerate(found.paths.tolist()):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (384, 512), colour_of(row)).save(tmp_path / path, quality=95)
    return found


def pixel(sheet: Image.Image, place: int, column: int, x: int, y: int) -> Colour:
    """A pixel of an image's frame or inside, from its frame's left upper corner."""
    found = sheet.getpixel((MARGIN + column * COLUMN + x, TITLE + place * ROW + HEADING + y))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def test_seven_images_stand_in_a_row_and_the_wrong_one_is_framed(judged: JudgedImages, tmp_path: Path) -> None:
    rows = [SheetRow(str(judged.persons[row]), "why", (row,)) for row in (9, 1)]
    (sheet,) = contact_sheets(judged, rows, tmp_path, "Worst")
    assert sheet.size == (2 * MARGIN + IMAGES * COLUMN, TITLE + MARGIN + 2 * ROW)
    for place, first in enumerate((7, 0)):
        for column in range(7):
            row = first + column
            inside = pixel(sheet, place, column, TILE[0] // 2, TILE[1] // 2)
            assert max(abs(a - b) for a, b in zip(inside, colour_of(row), strict=True)) < 4
            frame = ImageColor.getrgb(RED if row in (1, 9) else PALE)
            assert pixel(sheet, place, column, FRAME // 2, FRAME // 2) == frame


def test_sheets_hold_a_screenful_each(judged: JudgedImages, tmp_path: Path) -> None:
    rows = [SheetRow(str(judged.persons[0]), "why")] * (PERSONS + 1)
    sheets = contact_sheets(judged, rows, tmp_path, "Worst")
    assert [(sheet.height - TITLE - MARGIN) // ROW for sheet in sheets] == [PERSONS, 1]
    assert contact_sheets(judged, [], tmp_path, "Worst") == []


def test_missing_and_damaged_images_are_empty_tiles(judged: JudgedImages, tmp_path: Path) -> None:
    (tmp_path / str(judged.paths[0])).unlink()
    (tmp_path / str(judged.paths[1])).write_bytes(b"no image")
    (sheet,) = contact_sheets(judged, [SheetRow(str(judged.persons[0]), "")], tmp_path, "Worst")
    pale = ImageColor.getrgb(PALE)
    assert pixel(sheet, 0, 0, 20, 20) == pixel(sheet, 0, 1, 20, 20) == pale
    assert pixel(sheet, 0, 2, 20, 20) != pale


def test_an_image_of_another_shape_is_fitted_not_stretched(judged: JudgedImages, tmp_path: Path) -> None:
    Image.new("RGB", (600, 200), "black").save(tmp_path / str(judged.paths[0]))
    (sheet,) = contact_sheets(judged, [SheetRow(str(judged.persons[0]), "")], tmp_path, "Worst")
    assert max(pixel(sheet, 0, 0, TILE[0] // 2, TILE[1] // 2)) < 5
    assert pixel(sheet, 0, 0, TILE[0] // 2, FRAME + 5) == ImageColor.getrgb(PALE)


def test_of_many_images_the_needed_ones_and_the_worst_are_shown(judge: Judge) -> None:
    sure = np.linspace(0.1, 0.9, 12)  # probability of the truth: the loss falls from row to row
    judged = judge(np.zeros(12, np.int64), np.stack([sure, 1 - sure], 1), ["s"] * 12, ("a", "b"))
    assert person_rows(judged, "s").tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert person_rows(judged, "s", (11,)).tolist() == [0, 1, 2, 3, 4, 5, 11]


@pytest.mark.parametrize("path", ["/etc/hostname", "../secret.jpg", "a/../../secret.jpg", "none.jpg", "folder"])
def test_no_path_leads_out_of_the_data(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "data/folder").mkdir(parents=True)
    (tmp_path / "data/a.jpg").write_bytes(b"x")
    assert image_file(tmp_path / "data", path) is None
    assert image_file(tmp_path / "data", "a.jpg") == tmp_path / "data/a.jpg"


@pytest.mark.parametrize("name", ["x" * 300, "a\nb\x1b[31m", "데이터 <b>ü</b> $x$"])
def test_hostile_names_stay_within_their_column(judge: Judge, tmp_path: Path, name: str) -> None:
    judged = judge([0, 0], [[0.9, 0.1], [0.2, 0.8]], [name] * 2, (name, "b"))
    (sheet,) = contact_sheets(judged, [SheetRow(name, name)], tmp_path, "Worst")
    below = np.asarray(sheet.convert("L"))[TITLE + HEADING + TILE[1] + 2 * FRAME + 1 : TITLE + ROW]
    gap = below[:, MARGIN + 2 * COLUMN - 6 : MARGIN + 2 * COLUMN]  # behind the second image's lines
    assert (below[:, : MARGIN + COLUMN] < 128).any() and (gap > 250).all()
    assert (np.asarray(sheet.convert("L"))[:, -MARGIN:] > 250).all()
