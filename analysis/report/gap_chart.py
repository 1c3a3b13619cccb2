"""The gap between public leaderboard and out-of-fold table: stacked parts, a bar a submission."""

from collections.abc import Sequence

from markupsafe import Markup

from analysis.leaderboard.gap_plot import PARTS, gap_parts
from analysis.matching.gap import Gap
from analysis.report.axis import Axis, linear_axis, mark_text
from analysis.report.forest_chart import BOTTOM, TOP, layout
from analysis.report.svg import Attribute, chart, element, line, shortened, words

THICK = 14  # of a bar
KINDS = ("c3", "c0", "noise", "c1")  # CSS colours of leak, label shift, noise, unexplained
LEGEND = tuple(zip(KINDS, (name for name, _, _ in PARTS), strict=True))


def gap_chart(gaps: Sequence[tuple[str, Gap]], width: float) -> Markup:
    """A row a named gap from top to bottom: parts stacked away from zero on either side, a diamond at their sum."""
    parts = [gap_parts(gap).tolist() for _, gap in gaps]  # (E, 4)
    texts = [f"{gap.oof:.3f} → {gap.public:.3f}" for _, gap in gaps]
    place = layout(width, texts)
    ends = [sum(part for part in row if sign * part > 0) for row in parts for sign in (1, -1)]
    x = linear_axis([0.0, *ends], place.start, place.end, 5 if place.end - place.start < 400 else 8)
    height = TOP + place.row * len(gaps) + BOTTOM
    base = height - BOTTOM
    drawn = [line(x.at(mark), TOP, x.at(mark), base, "grid") for mark in x.marks()]
    drawn += [words(x.at(mark), base + 15, mark_text(mark), "mark", "middle") for mark in x.marks()]
    for number, ((name, gap), text, row) in enumerate(zip(gaps, texts, parts, strict=True)):
        top = TOP + place.row * number
        left = 2 if place.start > 100 else place.start
        drawn += [
            words(left, top + place.text, shortened(name, place.letters), "name", hint=name),
            words(width - 2, top + place.text, text, "value", "end"),
        ]
        drawn += _stack(row, top + place.interval, x)
        drawn.append(_diamond(x.at(gap.total), top + place.interval))
    drawn.append(line(x.at(0), TOP, x.at(0), base, "base"))
    axis_name = "public less out-of-fold macro F1; right: out-of-fold → public"
    drawn.append(words((place.start + place.end) / 2, height - 8, axis_name, "axis-name", "middle"))
    spoken = "; ".join(f"{name} {gap.total:+.4f}" for name, gap in gaps)
    return chart(width, height, f"Public less out-of-fold macro F1: {spoken}", drawn, "gap")


def _stack(parts: Sequence[float], middle: float, x: Axis) -> list[Markup]:
    """Rectangles of the parts, each beginning where the one before it on its side of zero ends."""
    reached = {1: 0.0, -1: 0.0}
    drawn = []
    for kind, (label, _, _), part in zip(KINDS, PARTS, parts, strict=True):
        side = 1 if part >= 0 else -1
        start, end = sorted((reached[side], reached[side] + part))
        reached[side] += part
        box: dict[str, Attribute] = {
            "x": x.at(start),
            "y": middle - THICK / 2,
            "width": x.at(end) - x.at(start),
            "height": THICK,
            "class": f"part {kind}",
        }
        if part:
            drawn.append(element("rect", box, element("title", None, f"{label} {part:+.4f}")))
    return drawn


def _diamond(x: float, y: float) -> Markup:
    corners = ((x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y))
    return element("polygon", {"points": " ".join(f"{a:.2f},{b:.2f}" for a, b in corners), "class": "total"})
