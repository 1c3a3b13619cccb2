"""The calibration curve: how often a run is right where it is that sure, and how many images it is that sure of."""

import math

from markupsafe import Markup

from analysis.mistakes.calibration import Calibration
from analysis.report.axis import Axis
from analysis.report.svg import Attribute, chart, element, line, polyline, words

WIDTH, HEIGHT = 340, 312
LEFT, RIGHT, TOP = 44, 10, 10
CURVE, COUNTS = 220, 44  # heights of the curve and of the counts below it


def calibration_chart(calibration: Calibration) -> Markup:
    """Share of right answers by confidence, the diagonal of a perfect run, and a bar of each bin's images."""
    x = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    y = Axis(0.0, 1.0, TOP + CURVE, TOP)
    marks = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    drawn = [line(LEFT, y.at(mark), WIDTH - RIGHT, y.at(mark), "grid") for mark in marks]
    drawn += [words(LEFT - 5, y.at(mark) + 3.5, f"{mark:g}", "mark", "end") for mark in marks]
    drawn.append(line(x.at(0), y.at(0), x.at(1), y.at(1), "diagonal"))
    bins = [
        (float(confidence), float(accuracy), int(images))
        for confidence, accuracy, images in zip(
            calibration.confidence, calibration.accuracy, calibration.images, strict=True
        )
        if images
    ]
    drawn.append(polyline([(x.at(sure), y.at(right)) for sure, right, _ in bins], "curve c0"))
    for sure, right, images in bins:
        hint = f"{images} images, {sure:.0%} sure on average: {right:.0%} right"
        place: dict[str, Attribute] = {"cx": x.at(sure), "cy": y.at(right), "r": 4.0, "class": "dot c0"}
        drawn.append(element("circle", place, element("title", None, hint)))
    drawn += _counts(calibration, x)
    drawn += [words(x.at(mark), TOP + CURVE + COUNTS + 14, f"{mark:g}", "mark", "middle") for mark in marks]
    drawn.append(words(x.at(0.5), HEIGHT - 3, "probability of the answer; below: images", "axis-name", "middle"))
    spoken = "; ".join(f"{sure:.0%} sure, {right:.0%} right" for sure, right, _ in bins)
    return chart(WIDTH, HEIGHT, f"Share of right answers by probability: {spoken}", drawn, "calibration")


def _counts(calibration: Calibration, x: Axis) -> list[Markup]:
    most = max(int(calibration.images.max()), 1)
    base = TOP + CURVE + COUNTS
    bars = []
    for low, high, images in zip(calibration.edges, calibration.edges[1:], calibration.images, strict=False):
        height = (COUNTS - 6) * int(images) / most
        place: dict[str, Attribute] = {
            "x": x.at(float(low)) + 0.5,
            "y": base - height,
            "width": x.at(float(high)) - x.at(float(low)) - 1,
            "height": height,
            "class": "count",
        }
        if not math.isclose(height, 0.0):
            bars.append(element("rect", place, element("title", None, f"{images} images")))
    return [*bars, line(LEFT, base, WIDTH - RIGHT, base, "base")]
