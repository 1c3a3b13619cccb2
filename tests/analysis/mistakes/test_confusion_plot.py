"""The picture holds every count that is not zero, and no label stands on another."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.mistakes.confusion import confusions
from analysis.mistakes.confusion_plot import confusion_figure
from analysis.mistakes.judged_images import JudgedImages

Draw = Callable[..., JudgedImages]


def drawn(figure: Figure) -> list[Axes]:
    FigureCanvasAgg(figure).draw()
    return list(figure.axes)


def labels_of(axes: Axes) -> list[Text]:
    return [label for label in (*axes.get_xticklabels(), *axes.get_yticklabels()) if label.get_text()]


@pytest.mark.parametrize("images", [60, 60_000])
def test_all_counts_are_there_and_labels_stand_apart(random_judged: Draw, images: int) -> None:
    found = confusions(random_judged(0, images))
    panels = drawn(confusion_figure(found))
    assert len(panels) == 5
    everything: list[Text] = []
    for axes, confusion in zip(panels, found, strict=True):
        assert sorted(text.get_text() for text in axes.texts) == sorted(
            f"{count:,}" for count in confusion.counts.ravel() if count
        )
        title = axes.get_title(loc="left")
        assert title.startswith(confusion.name) and title.endswith(f"macro F1 {confusion.macro_f1:.3f}")
        cell = axes.get_window_extent().width / len(confusion.values)
        assert all(text.get_window_extent().width <= cell for text in axes.texts)
        everything += [*axes.texts, *labels_of(axes), axes._left_title]
    canvas = panels[0].figure.canvas
    boxes = [text.get_window_extent() for text in everything if text.get_text()]
    width, height = canvas.get_width_height()
    assert all(0 <= box.x0 and box.x1 <= width and 0 <= box.y0 and box.y1 <= height for box in boxes)
    assert not [(one, other) for one, other in combinations(boxes, 2) if one.shrunk(0.9, 0.8).overlaps(other)]


def test_right_is_blue_wrong_is_orange_and_nothing_is_white(judge: Callable[..., JudgedImages]) -> None:
    judged = judge([0, 0, 1], np.eye(2)[[0, 1, 1]], list("abc"), ("cat", "dog"))
    (axes,) = drawn(confusion_figure(confusions(judged)))
    colours = np.asarray(axes.images[0].get_array())
    red, blue = colours[..., 0], colours[..., 2]
    assert blue[1, 1] > red[1, 1] and red[0, 1] > blue[0, 1]
    assert (colours[1, 0] == 1).all()


def test_hostile_and_long_names_are_text(judge: Callable[..., JudgedImages]) -> None:
    names = ("$\\frac{$", "a\nb" * 30)
    judged = judge([0, 1], np.eye(2), list("ab"), names)
    (axes,) = drawn(confusion_figure(confusions(judged)))
    shown = [label.get_text() for label in labels_of(axes)]
    assert any(text.startswith("$\\frac{$") for text in shown) and all(len(text) < 60 for text in shown)


def test_hundreds_of_classes_are_drawn_without_names(random_judged: Draw) -> None:
    (axes,) = drawn(confusion_figure(confusions(random_judged(0, 400, 200))))
    assert not axes.texts and not labels_of(axes)
