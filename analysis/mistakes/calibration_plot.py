"""The calibration curve as a picture: how often answers are right, by how sure the networks were."""

import numpy as np
from matplotlib.figure import Figure

from analysis.mistakes.calibration import Calibration

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#767676"  # Okabe and Ito's, apart for every eye


def calibration_figure(calibration: Calibration) -> Figure:
    """Accuracy against confidence above, the number of images in each bin below."""
    figure = Figure(figsize=(7.5, 7.5), layout="constrained", facecolor="white")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = calibration.images > 0
    confidence, accuracy = calibration.confidence[filled], calibration.accuracy[filled]
    upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="as sure as right")
    upper.vlines(confidence, accuracy, confidence, color=VERMILLION, linewidth=2, alpha=0.6, label="distance")
    upper.plot(confidence, accuracy, color=BLUE, linewidth=1)
    area = 8 + 110 * calibration.images[filled] / calibration.images.max()
    upper.scatter(confidence, accuracy, area, color=BLUE, zorder=3, label="images of a bin (larger: more)")
    upper.set(ylabel="share of answers that are right", xlim=(0, 1), ylim=(0, 1.02))
    upper.set_title(
        f"Expected calibration error {calibration.expected_error:.3f} (by chance {calibration.by_chance:.3f}): "
        f"the networks are {calibration.tendency}",
        fontsize=10,
        loc="left",
        wrap=True,
    )
    widths = np.diff(calibration.edges)
    lower.bar(calibration.edges[:-1], calibration.images, widths, align="edge", color=BLUE, edgecolor="white")
    lower.axvline(calibration.mean_confidence, color="black", linewidth=1, label="mean confidence")
    lower.axvline(calibration.mean_accuracy, color=VERMILLION, linewidth=1, linestyle="--", label="accuracy")
    lower.set(xlabel="probability of the answered class", ylabel="images")
    figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    for axes in (upper, lower):
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    return figure
