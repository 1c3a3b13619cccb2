"""A confusion matrix as a picture: a row is a true class, a column a predicted one, the shade a share of the row."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CELL = 0.36  # inches
_NUMBERS_UP_TO = 24  # classes whose cells are large enough for counts
_DARK = 0.55  # share of a row from which letters are white


def draw_confusion(confusion: NDArray[np.int64], class_names: Sequence[str], title: str) -> NDArray[np.uint8]:
    """Counts (C, C) as pixels (H, W, 3); cells of images count, those of none stay empty."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here: only a run that is tracked draws
    from matplotlib.figure import Figure

    classes = len(class_names)
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)  # (C, C)
    size = max(3.0, classes * _CELL)
    figure = Figure(figsize=(size + 3.2, size + 2.6), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = np.arange(classes)
    labels = [f"{number} {name}" for number, name in enumerate(class_names)]
    axes.set_xticks(places, labels, rotation=90, fontsize=8)
    axes.set_yticks(places, labels, fontsize=8)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)  # a class may be called "$5"
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title, fontsize=10)
    if classes <= _NUMBERS_UP_TO:
        for row, column in np.argwhere(confusion):
            colour = "white" if shares[row, column] > _DARK else "black"
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=7, color=colour)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]
