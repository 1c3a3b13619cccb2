"""The curve of a learning-rate range test as a picture, with the rates that the rules suggest."""

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runners.diagnostics.range_test import RangeTest
from runners.diagnostics.rate_suggestions import Suggestions

# Okabe and Ito's colours, apart for every eye
LOSS, MEAN, INK = "#9A9A9A", "#0072B2", "#1A1A1A"
RULES = (("valley", "#009E73", "-"), ("steepest", "#D55E00", "--"), ("tenth", "#CC79A7", "-."))
NAMES = {"valley": "valley", "steepest": "steepest slope", "tenth": "lowest loss / 10"}


def draw_range_test(title: str, found: RangeTest, suggested: Suggestions) -> bytes:
    """The picture as PNG: single losses, their running mean, the stated rate and the suggested ones."""
    figure = Figure(figsize=(8, 4.8), dpi=150, facecolor="white", layout="constrained")
    axes = figure.subplots()
    axes.plot(found.rates, found.losses, ".", color=LOSS, markersize=4, label="one step")
    axes.plot(found.rates, found.smooth, color=MEAN, linewidth=1.8, label="running mean")
    for rule, colour, style in () if suggested.refusal else RULES:
        rate = getattr(suggested, rule)
        axes.axvline(rate, color=colour, linestyle=style, linewidth=1.3, label=f"{NAMES[rule]}: {rate:.2g}")
    axes.axvline(found.stated, color=INK, linestyle=":", linewidth=1.3, label=f"declared: {found.stated:.2g}")
    axes.set_xscale("log")
    axes.set_ylim(*_limits(found))
    axes.set_xlabel("learning rate, as the optimizer would state it")
    axes.set_ylabel("training loss")
    axes.set_title(title, loc="left", fontsize=11, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    if suggested.refusal:
        _write_refusal(axes, suggested.refusal)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _limits(found: RangeTest) -> tuple[float, float]:
    """From below the lowest mean to above the first ones: an explosion may leave the picture at its top."""
    smooth = found.smooth[np.isfinite(found.smooth)]
    if not smooth.size:
        return 0.0, 1.0
    early = found.losses[: max(1, len(smooth) // 2)]
    low, high = min(smooth.min(), early.min()), max(smooth[0], early.max())
    margin = 0.1 * max(high - low, 1e-3 * abs(high), 1e-6)
    return float(low - margin), float(high + 3 * margin)


def _write_refusal(axes: Axes, refusal: str) -> None:
    axes.text(
        0.5, 0.02, f"no suggestion: {refusal}", transform=axes.transAxes, ha="center", fontsize=8, wrap=True,
        parse_math=False,
    )  # fmt: skip
