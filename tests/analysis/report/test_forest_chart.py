from xml.etree import ElementTree

import pytest

from analysis.report.forest_chart import Interval, forest_chart

ROWS = (
    Interval("one", 0.5, 0.4, 0.6, "0.5000 [0.400, 0.600]", ticks=(0.45, 0.55)),
    Interval(
        "a name of a good many letters, which no phone has room for", 0.7, 0.65, 0.8, "0.7000 [0.650, 0.800]", "better"
    ),
)


@pytest.mark.parametrize("width", [340, 960])
def test_dots_lie_upon_their_intervals_in_the_order_given(width: int) -> None:
    svg = ElementTree.fromstring(forest_chart(ROWS, width, "macro F1", 0.6))  # noqa: S314 - our own words
    spans = [
        line
        for line in svg.findall("line")
        if line.get("class", "").startswith("interval") and line.get("y1") == line.get("y2")
    ]
    starts, ends = ([float(span.get(key, "")) for span in spans] for key in ("x1", "x2"))
    unit = (ends[0] - starts[0]) / 0.2  # pixels to one
    dot, square = svg.find("circle"), svg.find("rect")
    assert dot is not None and square is not None
    assert float(dot.get("cx", "")) == pytest.approx(starts[0] + 0.1 * unit, abs=0.02)
    assert float(square.get("x", "")) + 4.5 == pytest.approx(starts[1] + 0.05 * unit, abs=0.02)
    assert spans[0].get("y1") < spans[1].get("y1", "") and ends[1] <= width
    ticks = [float(line.get("x1", "")) for line in svg.findall("line") if line.get("class") == "tick"]
    assert ticks == pytest.approx([starts[0] + 0.05 * unit, starts[0] + 0.15 * unit], abs=0.02)
    (reference,) = [float(line.get("x1", "")) for line in svg.findall("line") if line.get("class") == "reference-line"]
    assert reference == pytest.approx(ends[0], abs=0.02)
    assert [line.get("class") for line in spans] == ["interval", "interval better"]


def test_a_name_without_room_is_cut_and_told_on_hover() -> None:
    svg = ElementTree.fromstring(forest_chart(ROWS, 340, "macro F1"))  # noqa: S314
    name = [text for text in svg.findall("text") if text.get("class") == "name"][1]
    assert (name.text or "").endswith("…") and name.findtext("title") == ROWS[1].name
    assert ROWS[1].name in svg.get("aria-label", "")


def test_text_keeps_clear_of_the_axis_on_a_desk_and_stands_above_it_on_a_phone() -> None:
    def places(width: int) -> tuple[float, float, float]:
        svg = ElementTree.fromstring(forest_chart(ROWS, width, "macro F1"))  # noqa: S314
        grid = [float(line.get("x1", "")) for line in svg.findall("line") if line.get("class") == "grid"]
        name = next(text for text in svg.findall("text") if text.get("class") == "name")
        return min(grid), max(grid), float(name.get("x", ""))

    start, end, name = places(960)
    assert name + 150 < start and end < 960 - 7 * len(ROWS[0].text)
    start, end, name = places(340)
    assert start == name and end > 320
