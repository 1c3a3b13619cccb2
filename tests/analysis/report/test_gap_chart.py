from dataclasses import replace
from xml.etree import ElementTree

import pytest

from analysis.leaderboard.gap_plot import gap_parts
from analysis.matching.gap import Gap
from analysis.report.gap_chart import KINDS, LEGEND, gap_chart

GAP = Gap(public=0.50, oof=0.60, leak=-0.05, label_shift=-0.08, rest=0.03, noise=0.01, public_persons=100.0)


@pytest.mark.parametrize("width", [340, 960])
def test_parts_are_stacked_away_from_zero_and_the_diamond_is_their_sum(width: int) -> None:
    svg = ElementTree.fromstring(gap_chart([("one", GAP)], width))  # noqa: S314 - our own words
    boxes = {
        box.get("class", "").split()[1]: (float(box.get("x", "")), float(box.get("width", "")))
        for box in svg.findall("rect")
    }
    zero = next(float(line.get("x1", "")) for line in svg.findall("line") if line.get("class") == "base")
    leak, shift, noise, rest = (boxes[kind] for kind in KINDS)
    unit = leak[1] / 0.05
    assert leak[0] + leak[1] == pytest.approx(zero, abs=0.02) and shift[0] + shift[1] == pytest.approx(
        leak[0], abs=0.02
    )
    assert noise[0] == pytest.approx(zero, abs=0.02) and rest[0] == pytest.approx(noise[0] + noise[1], abs=0.02)
    widths = [shift[1] / unit, noise[1] / unit, rest[1] / unit]
    assert widths == pytest.approx([0.08, *abs(gap_parts(GAP)[2:])], abs=1e-3)
    diamond = svg.find("polygon")
    assert diamond is not None
    xs = [float(corner.split(",")[0]) for corner in diamond.get("points", "").split()]
    assert sum(xs) / 4 == pytest.approx(zero - 0.10 * unit, abs=0.02)
    assert "one -0.1000" in svg.get("aria-label", "") and [name for _, name in LEGEND][:2] == ["leak", "label shift"]


def test_a_part_that_was_not_looked_at_is_not_drawn() -> None:
    svg = ElementTree.fromstring(gap_chart([("one", replace(GAP, leak=None))], 960))  # noqa: S314
    assert [box.get("class") for box in svg.findall("rect")] == [f"part {kind}" for kind in KINDS[1:]]
