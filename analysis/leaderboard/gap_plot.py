"""The gap of each submission between leaderboard and out-of-fold table, as stacked parts."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.leaderboard.submission_gap import ExplainedGap
from analysis.matching.gap import TWO_SIDED, Gap
from data.errors import DataError
from runners.state import write_bytes

PARTS = (                                       # colours of Okabe and Ito, apart for every eye; hatches for print
    ("leak", "#CC79A7", "//"),
    ("label shift", "#0072B2", ""),
    ("sampling noise, as far as it reaches (95 %)", "#BDBDBD", ""),
    ("unexplained", "#D55E00", ".."),
)


def gap_parts(gap: Gap) -> NDArray[np.float64]:
    """The gap as leak, label shift, what noise may explain, and what nothing does: (4,), their sum is the gap."""
    noise = float(np.clip(gap.rest, -TWO_SIDED * gap.noise, TWO_SIDED * gap.noise))
    return np.array([gap.leak or 0.0, gap.label_shift or 0.0, noise, gap.rest - noise])


def write_gap_plot(path: Path, gaps: Sequence[ExplainedGap]) -> None:
    """Replace `path` by a PNG, a bar a submission, in the given order; DataError where it can't be written."""
    parts = np.array([gap_parts(each.gap) for each in gaps])                            # (E, 4)
    rows = np.arange(len(gaps))
    figure = Figure(figsize=(10, 1.9 + 0.45 * len(gaps)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    positive, negative = np.zeros(len(gaps)), np.zeros(len(gaps))
    for (name, colour, hatch), widths in zip(PARTS, parts.T, strict=True):
        left = np.where(widths >= 0, positive, negative)        # either sign is stacked away from zero
        axes.barh(rows, widths, left=left, height=0.55, color=colour, hatch=hatch, edgecolor="white", label=name)
        positive += np.maximum(widths, 0)
        negative += np.minimum(widths, 0)
    totals = parts.sum(1)
    axes.plot(totals, rows, "D", color="black", markersize=6, label="gap: public less out-of-fold", zorder=3)
    axes.axvline(0, color="black", linewidth=0.8)
    low, high = min(0.0, negative.min()), max(0.0, positive.max())
    margin = max(0.01, 0.06 * (high - low))
    axes.set_xlim(low - margin, high + margin)
    for row, each in zip(rows, gaps, strict=True):
        axes.annotate(f"{each.gap.oof:.3f} → {each.gap.public:.3f}", xy=(1.01, row), va="center", fontsize=9,
                      xycoords=("axes fraction", "data"), annotation_clip=False)
    axes.set_yticks(rows, [each.submission.short_name for each in gaps], fontsize=9)
    axes.set_ylim(len(gaps) - 0.4, -0.6)                        # the first on top
    axes.set_xlabel("macro F1, public leaderboard less out-of-fold   (right: out-of-fold → public)")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=9, frameon=False)
    body = io.BytesIO()
    figure.savefig(body, format="png", dpi=140)
    try:
        write_bytes(path, body.getvalue())
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}.") from error
