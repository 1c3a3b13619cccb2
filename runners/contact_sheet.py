"""Strips of images as one picture: a heading, rows of equal tiles, lines of text below each."""

from collections.abc import Sequence
from io import BytesIO
from textwrap import shorten, wrap

from matplotlib.figure import Figure

from runners.preview import TILES, Strip

# Inches
TILE, GAP, MARGIN = 1.35, 0.12, 0.3
TITLE, HEADING, LINE, BELOW = 0.45, 0.52, 0.125, 0.14
INK, GREY = "#1A1A1A", "#5F5F5F"
LINE_CHARACTERS, MOST_LINES, REMARK = 29, 5, 175  # letters of a line, lines, letters of a remark


def draw_sheet(title: str, strips: Sequence[Strip]) -> bytes:
    """The picture as PNG, one section a strip."""
    captions = [[_lines(caption) for caption in strip.captions] for strip in strips]
    heights = [_strip_height(strip, lines) for strip, lines in zip(strips, captions, strict=True)]
    width, height = 2 * MARGIN + TILES * TILE + (TILES - 1) * GAP, 2 * MARGIN + TITLE + sum(heights)
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    _write(figure, MARGIN, MARGIN, title, size=13, weight="bold")
    top = MARGIN + TITLE
    for strip, lines, used in zip(strips, captions, heights, strict=True):
        _draw_strip(figure, strip, lines, top)
        top += used
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_strip(figure: Figure, strip: Strip, captions: Sequence[Sequence[str]], top: float) -> None:
    _write(figure, MARGIN, top, strip.heading, size=10, weight="bold")
    _write(figure, MARGIN, top + 0.2, shorten(strip.remark, REMARK, placeholder=" ..."), size=8, colour=GREY)
    width, height = figure.get_size_inches()
    top += HEADING
    for row in range(0, len(strip.images), TILES):
        tall, lines = _row_height(strip, row), max(map(len, captions[row : row + TILES]))
        for column, image in enumerate(strip.images[row : row + TILES]):
            left, shown = MARGIN + column * (TILE + GAP), TILE * image.shape[0] / image.shape[1]
            axes = figure.add_axes((left / width, 1 - (top + shown) / height, TILE / width, shown / height))
            axes.imshow(image, interpolation="lanczos", aspect="auto")
            axes.set_axis_off()
            text = "\n".join(captions[row + column])
            _write(figure, left, top + tall + 0.04, text, size=6.5)
        top += tall + lines * LINE + BELOW


def _strip_height(strip: Strip, captions: Sequence[Sequence[str]]) -> float:
    rows = range(0, len(strip.images), TILES)
    below = sum(max(map(len, captions[row : row + TILES])) * LINE + BELOW for row in rows)
    return HEADING + sum(_row_height(strip, row) for row in rows) + below + BELOW


def _row_height(strip: Strip, row: int) -> float:
    return max(TILE * image.shape[0] / image.shape[1] for image in strip.images[row : row + TILES])


def _lines(caption: Sequence[str]) -> list[str]:
    """Lines that fit below a tile; names may be as long as anybody likes."""
    clean = ["".join(letter if letter.isprintable() else "?" for letter in text) for text in caption]
    lines = [line for text in clean for line in wrap(text, LINE_CHARACTERS, subsequent_indent="  ") or [""]]
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "..."]


def _write(
    figure: Figure, left: float, top: float, text: str, *, size: float, weight: str = "normal", colour: str = INK
) -> None:
    width, height = figure.get_size_inches()
    figure.text(
        left / width,
        1 - top / height,
        text,
        size=size,
        weight=weight,
        color=colour,
        va="top",
        linespacing=1.15,
        parse_math=False,  # a class may be named "$5"
    )
