from xml.etree import ElementTree

import numpy as np
import pytest

from analysis.mistakes.calibration import Calibration
from analysis.report.calibration_chart import COUNTS, calibration_chart

FOUND = Calibration(
    edges=np.array([0, 0.25, 0.5, 0.75, 1]),
    images=np.array([0, 10, 30, 20]),
    confidence=np.array([np.nan, 0.4, 0.6, 0.9]),
    accuracy=np.array([np.nan, 0.5, 0.5, 1.0]),
    expected_error=0.1,
    by_chance=0.05,
    mean_confidence=0.66,
    mean_accuracy=0.67,
)


def test_bins_with_images_are_dots_on_a_curve_and_bars_below() -> None:
    svg = ElementTree.fromstring(calibration_chart(FOUND))  # noqa: S314 - our own words
    diagonal = next(line for line in svg.findall("line") if line.get("class") == "diagonal")
    x1, x2, y1, y2 = (float(diagonal.get(key, "")) for key in ("x1", "x2", "y1", "y2"))
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in svg.findall("circle")]
    expected = [(x1 + (x2 - x1) * sure, y1 + (y2 - y1) * right) for sure, right in ((0.4, 0.5), (0.6, 0.5), (0.9, 1.0))]
    assert np.array(dots) == pytest.approx(np.array(expected), abs=0.02)
    heights = [float(bar.get("height", "")) for bar in svg.findall("rect")]
    assert heights == pytest.approx([(COUNTS - 6) / 3, COUNTS - 6, (COUNTS - 6) * 2 / 3], abs=0.02)
    assert "30 images, 60% sure on average: 50% right" in [dot.findtext("title") for dot in svg.findall("circle")]
    assert "40% sure, 50% right" in svg.get("aria-label", "")
