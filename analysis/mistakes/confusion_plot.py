"""Confusion matrices as a picture: what is right in blue, what is wrong in orange, as shares of the truth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.mistakes.confusion import Confusion
from analysis.mistakes.plain_text import shortened

RIGHT, WRONG = (0.00, 0.31, 0.53), (0.80, 0.30, 0.00)  # darkened from Okabe and Ito's blue and vermillion
NAMED = 60  # values; more names than that stand on each other
COUNTED = 40  # values; smaller cells hold no number
FEW = 4  # values; their names fit below the columns
DIGIT = 0.64  # a digit's width to the size of its font
LONGEST = 26  # letters of a name


def confusion_figure(confusions: Sequence[Confusion]) -> Figure:
    """The classes' matrix and, where there are any, those of mask, gender, age, and mask x age beside it."""
    classes, factors = confusions[0], confusions[1:]
    figure = Figure(figsize=(16, 8.4) if factors else (11, 8.4), layout="constrained", facecolor="white")
    figure.suptitle("Rows: truth (images, F1).  Columns: prediction.  Colour: share of the row's images.", fontsize=11)
    if not factors:
        _matrix(figure.subplots(), classes, 440)
        return figure
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.2, 1))[0]
    upper, lower = right.subfigures(2, 1, squeeze=False, height_ratios=(1, 1.7))[:, 0]
    _matrix(left.subplots(), classes, 420)
    for axes, factor in zip(upper.subplots(1, len(factors) - 1), factors[:-1], strict=True):
        _matrix(axes, factor, 100)
    _matrix(lower.subplots(), factors[-1], 320)
    return figure


def _matrix(axes: Axes, confusion: Confusion, width: float) -> None:
    """One matrix, about `width` points wide: numbers are made to fit their cells."""
    size = len(confusion.values)
    support = confusion.counts.sum(1)
    shares = confusion.counts / np.maximum(support, 1)[:, None]
    axes.imshow(_colours(shares), aspect="equal")
    axes.set_xticks([])
    axes.set_yticks([])
    few = size <= FEW
    title = (confusion.name, f"macro F1 {confusion.macro_f1:.3f}")
    axes.set_title("\n".join(title) if few else ": ".join(title), fontsize=10.5, loc="left")
    letters = 8.5 if few else float(np.clip(160 / size, 5, 9))
    if size <= NAMED:
        names = [shortened(name, LONGEST) for name in confusion.values]
        told = [f"({count:,}, {_told(score, count)})" for count, score in zip(support, confusion.f1, strict=True)]
        rows = [
            f"{name}\n{figures}" if few else f"{number}  {name}  {figures}"
            for number, (name, figures) in enumerate(zip(names, told, strict=True))
        ]
        columns = names if few else [str(number) for number in range(size)]
        axes.set_yticks(range(size), rows, fontsize=letters, parse_math=False)
        axes.set_xticks(range(size), columns, fontsize=7.5 if few else letters, parse_math=False)
    if size <= COUNTED:
        for row, column in zip(*np.nonzero(confusion.counts), strict=True):
            number = f"{confusion.counts[row, column]:,}"
            fitting = min(letters, 0.9 * width / size / (DIGIT * len(number)))
            ink = "white" if shares[row, column] > 0.55 else "black"
            axes.text(column, row, number, ha="center", va="center", fontsize=fitting, color=ink)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#E3E3E3", linewidth=0.5)
    axes.tick_params(which="both", length=0)


def _told(score: float, support: int) -> str:
    return f"{score:.2f}" if support else "–"


def _colours(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """White to the full colour of right or wrong, (V, V, 3); the root shows small shares too."""
    full = np.where(np.eye(len(shares), dtype=bool)[..., None], RIGHT, WRONG)
    return 1 - np.sqrt(shares)[..., None] * (1 - full)
