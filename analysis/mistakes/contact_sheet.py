"""Persons in pictures: a row a person, with file, truth and prediction below each image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.plain_text import printable
from data.errors import DataError
from data.images import decode_rgb

IMAGES = 7  # in a row: as many as the mask competition has of a person
PERSONS = 4  # on a sheet: about a screen
TILE = (150, 200)  # pixels, width and height
COLUMN, ROW = 180, 300  # pixels from one image to the next
MARGIN, TITLE, HEADING = 16, 40, 26
FRAME = 4
INK, GREY, PALE, RED, GREEN = "#1A1A1A", "#6A6A6A", "#E6E6E6", "#B83A00", "#006B4F"


@dataclass(frozen=True)
class SheetRow:
    """A person to show, and why."""

    person: str
    told: str  # beside the person's name
    rows: tuple[int, ...] = ()  # judged images that must be among those shown


def person_rows(judged: JudgedImages, person: str, needed: Sequence[int] = ()) -> NDArray[np.int64]:
    """Rows of a person's images to show, (at most IMAGES,), in the data's order.

    All of them or, where there are more, the needed ones and those of the largest loss.
    """
    rows = judged.of_person(person)
    order = np.lexsort((-judged.losses[rows], ~np.isin(rows, needed)))
    return np.sort(rows[order[:IMAGES]])


def image_file(root: Path, path: str) -> Path | None:
    """The file of a judged image below the data's folder; None where it is not there or the path leads elsewhere."""
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts or not (root / inside).is_file():
        return None
    return root / inside


def contact_sheets(judged: JudgedImages, persons: Sequence[SheetRow], root: Path, title: str) -> list[Image.Image]:
    """Sheets of PERSONS rows each, from images below `root`; an image that is not there is an empty tile."""
    starts = range(0, len(persons), PERSONS)
    return [_sheet(judged, persons[start : start + PERSONS], root, title, start + 1) for start in starts]


def _sheet(judged: JudgedImages, persons: Sequence[SheetRow], root: Path, title: str, first: int) -> Image.Image:
    width = 2 * MARGIN + IMAGES * COLUMN
    sheet = Image.new("RGB", (width, TITLE + MARGIN + len(persons) * ROW), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 12), f"{title}: the label, then the prediction and its probability", INK, _font(15, bold=True))
    for place, person in enumerate(persons):
        top = TITLE + place * ROW
        rows = person_rows(judged, person.person, person.rows)
        images = judged.of_person(person.person)
        told = f"{person.told}; {judged.wrong[images].sum()} of {len(images)} images wrong"
        told += f" (shown: the {len(rows)} of largest loss)" if len(rows) < len(images) else ""
        _line(draw, (MARGIN, top + 2), f"{first + place}.  {person.person}   {told}", INK, width - 2 * MARGIN, 13)
        for column, row in enumerate(rows.tolist()):
            _image(sheet, draw, (MARGIN + column * COLUMN, top + HEADING), judged, row, root)
    return sheet


def _image(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], judged: JudgedImages, row: int, root: Path
) -> None:
    """One image with its frame and three lines: file, truth, prediction."""
    left, top = corner
    width, height = TILE
    wrong = bool(judged.wrong[row])
    box = (left, top, left + width + 2 * FRAME - 1, top + height + 2 * FRAME - 1)
    draw.rectangle(box, RED if wrong else PALE)
    sheet.paste(_tile(root, str(judged.paths[row])), (left + FRAME, top + FRAME))
    label = int(judged.labels[row])
    probability = f"{judged.probabilities[row, label]:.2f}"
    lines = (
        (PurePosixPath(str(judged.paths[row])).name, GREY, ""),
        (judged.class_names[judged.targets[row]], INK, ""),
        (judged.class_names[label] if wrong else "right", RED if wrong else GREEN, probability),
    )
    for number, (text, colour, end) in enumerate(lines):
        place = (left, top + height + 2 * FRAME + 3 + 15 * number)
        _line(draw, place, text, colour, COLUMN - 6, 11, end)


def _tile(root: Path, path: str) -> Image.Image:
    """An image fitted into a tile, or a tile that says why there is none."""
    tile = Image.new("RGB", TILE, PALE)
    file = image_file(root, path)
    try:
        if file is None:
            raise DataError("no such file")
        width, height = TILE
        picture = Image.fromarray(decode_rgb(file, min_size=(height, width)))
    except DataError as problem:
        text = "no such file" if file is None else "not readable"
        ImageDraw.Draw(tile).text((10, TILE[1] // 2), text if problem else "", GREY, _font(12))
        return tile
    picture = ImageOps.contain(picture, TILE, Image.Resampling.LANCZOS)
    tile.paste(picture, ((TILE[0] - picture.width) // 2, (TILE[1] - picture.height) // 2))
    return tile


def _line(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, colour: str, room: int, size: int, end: str = ""
) -> None:
    """A line of text in so many pixels, its end always kept; what does not fit in between becomes three dots."""
    font = _font(size)
    tail = f" {end}" if end else ""
    text = printable(text)
    if font.getlength(text + tail) > room:
        while text and font.getlength(f"{text}…{tail}") > room:
            text = text[:-1]
        text += "…"
    draw.text(corner, text + tail, colour, font)


@lru_cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu, which comes with matplotlib: a font that is there on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf" / name), size)
