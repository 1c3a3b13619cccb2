"""Forest plot: a row a run, its value as a dot upon its interval, the folds as ticks; a line to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from analysis.report.axis import Axis, linear_axis, mark_text
from analysis.report.svg import chart, element, line, shortened, words

TOP, BOTTOM = 6, 40
LETTER = 7.2  # width of a letter of a name, about


@dataclass(frozen=True)
class Interval:
    """One row: a value within its interval, what is written beside it, and single folds as ticks."""

    name: str
    value: float
    low: float
    high: float
    text: str
    kind: str = ""  # "better" or "worse": a colour, and a square for the dot
    ticks: Sequence[float] = ()


@dataclass(frozen=True)
class Layout:
    """Where things stand in a row: name and text beside the interval, or above it where the picture is narrow."""

    width: float
    row: float  # height
    start: float  # of the axis
    end: float
    text: float  # baseline of name and text below the row's top
    interval: float  # middle of the interval below the row's top
    letters: int  # room for a name


def layout(width: float, texts: Sequence[str]) -> Layout:
    """Beside from 600 pixels on; below that, name and text stand above their interval, as on a phone."""
    text = LETTER * max((len(each) for each in texts), default=0)
    if width >= 600:
        return Layout(width, 32, 190, width - text - 24, 20, 16, int(178 / LETTER))
    return Layout(width, 46, 14, width - 14, 16, 32, max(8, int((width - 36 - text) / LETTER)))


def forest_chart(rows: Sequence[Interval], width: float, axis_name: str, reference: float | None = None) -> Markup:
    """The rows from top to bottom on one axis; `reference` draws a dashed line at a value."""
    place = layout(width, [row.text for row in rows])
    values = [value for row in rows for value in (row.low, row.high, *row.ticks)]
    values += [] if reference is None else [reference]
    x = linear_axis(values, place.start, place.end, 5 if place.end - place.start < 400 else 8)
    height = TOP + place.row * len(rows) + BOTTOM
    base = height - BOTTOM
    drawn = [line(x.at(mark), TOP, x.at(mark), base, "grid") for mark in x.marks()]
    drawn += [words(x.at(mark), base + 15, mark_text(mark), "mark", "middle") for mark in x.marks()]
    if reference is not None:
        drawn.append(line(x.at(reference), TOP, x.at(reference), base, "reference-line"))
    for number, row in enumerate(rows):
        drawn += _row(row, TOP + place.row * number, x, place)
    drawn.append(words((place.start + place.end) / 2, height - 8, axis_name, "axis-name", "middle"))
    spoken = "; ".join(f"{row.name} {row.text}" for row in rows)
    return chart(width, height, f"{axis_name}: {spoken}", drawn, "forest")


def _row(row: Interval, top: float, x: Axis, place: Layout) -> list[Markup]:
    middle, kind = top + place.interval, f" {row.kind}" if row.kind else ""
    left = 2 if place.start > 100 else place.start
    parts = [
        words(left, top + place.text, shortened(row.name, place.letters), "name", hint=row.name),
        words(place.width - 2, top + place.text, row.text, "value", "end"),
        line(x.at(row.low), middle, x.at(row.high), middle, f"interval{kind}"),
        *(line(x.at(end), middle - 4, x.at(end), middle + 4, f"interval{kind}") for end in (row.low, row.high)),
        *(line(x.at(tick), middle + 5, x.at(tick), middle + 11, "tick") for tick in row.ticks),
    ]
    if not row.kind:
        return [*parts, element("circle", {"cx": x.at(row.value), "cy": middle, "r": 5.0, "class": "point"})]
    corner = {"x": x.at(row.value) - 4.5, "y": middle - 4.5, "width": 9.0, "height": 9.0}
    return [*parts, element("rect", {**corner, "class": f"point{kind}"})]
