"""Curves by epoch: a line a fold, dashed in training and solid in validation, a dot at the epoch that was kept."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from analysis.report.axis import Axis, linear_axis, loss_axis, mark_text
from analysis.report.fold_logs import FoldLog
from analysis.report.svg import Attribute, chart, element, line, polyline, words

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 34
COLOURS = 8  # fold 8 has fold 0's colour again
LABELS = {"train_loss": "training", "valid_loss": "validation", "train_f1": "training", "valid_f1": "validation"}


def curve_chart(logs: Sequence[FoldLog], columns: Sequence[str], title: str, top: float | None = None) -> Markup:
    """Curves of `columns` ("train_loss", "valid_loss") by epoch; `top` fixes the axis to 0..top, else it is chosen.

    Values that are no finite number interrupt a line.
    """
    lines = [(log, column, log.values[column]) for log in logs for column in columns if column in log.values]
    values = [value for _, _, all_values in lines for value in all_values]
    epochs = [epoch for log in logs for epoch in log.epochs] or [1]
    x = Axis(min(epochs) - 0.5, max(epochs) + 0.5, LEFT, WIDTH - RIGHT)
    y = loss_axis(values, HEIGHT - BOTTOM, TOP) if top is None else Axis(0.0, top, HEIGHT - BOTTOM, TOP)
    drawn: list[Markup] = [*_frame(x, y)]
    for log, column, series in lines:
        name = f"fold {log.fold + 1}, {LABELS.get(column, column)}"
        kind = f"curve c{log.fold % COLOURS} {'train' if column.startswith('train') else 'valid'}"
        for points in _pieces(log.epochs, series, y):
            drawn.append(polyline([(x.at(epoch), y.at(value)) for epoch, value in points], kind, name))
    drawn += _kept(logs, columns, x, y)
    scale = ", logarithmic" if y.logarithmic else ""
    drawn.append(
        words(
            (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 4,
            f"epoch{scale and ' (loss on a logarithmic scale)'}",
            "axis-name",
            "middle",
        )
    )
    return chart(WIDTH, HEIGHT, f"{title}: {_summary(logs, columns)}", drawn, "curves")


def score_top(logs: Sequence[FoldLog]) -> float:
    """The end of an F1 axis from 0 that holds all curves of several runs, so that their pictures compare."""
    values = [value for log in logs for column in ("train_f1", "valid_f1") for value in log.values.get(column, [])]
    return min(1.0, linear_axis([0.0, *values], 0.0, 1.0).high)


def _frame(x: Axis, y: Axis) -> list[Markup]:
    parts = []
    for mark in y.marks():
        parts.append(line(LEFT, y.at(mark), WIDTH - RIGHT, y.at(mark), "grid"))
        parts.append(words(LEFT - 5, y.at(mark) + 3.5, mark_text(mark), "mark", "end"))
    for mark in x.marks(6):
        if mark == int(mark):
            parts.append(words(x.at(mark), HEIGHT - BOTTOM + 14, mark_text(mark), "mark", "middle"))
    parts.append(line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "base"))
    return parts


def _pieces(epochs: Sequence[int], values: Sequence[float], y: Axis) -> list[list[tuple[int, float]]]:
    """The runs of finite values, each a line of its own."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for epoch, value in zip(epochs, values, strict=True):
        if math.isfinite(value) and (value > 0 or not y.logarithmic):
            pieces[-1].append((epoch, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _kept(logs: Sequence[FoldLog], columns: Sequence[str], x: Axis, y: Axis) -> list[Markup]:
    """A dot on each validation curve at its best epoch."""
    dots = []
    for log in logs:
        for column in columns:
            value = log.at_best(column)
            if column.startswith("valid") and math.isfinite(value):
                hint = f"fold {log.fold + 1}: kept epoch {log.best_epoch}, {LABELS.get(column, column)} {value:.4f}"
                place: dict[str, Attribute] = {
                    "cx": x.at(log.best_epoch),
                    "cy": y.at(value),
                    "r": 3.5,
                    "class": f"dot c{log.fold % COLOURS}",
                }
                dots.append(element("circle", place, element("title", None, hint)))
    return dots


def _summary(logs: Sequence[FoldLog], columns: Sequence[str]) -> str:
    kept = [
        f"fold {log.fold + 1} keeps epoch {log.best_epoch} with {log.at_best(column):.3f}"
        for log in logs
        for column in columns
        if column.startswith("valid") and math.isfinite(log.at_best(column))
    ]
    return "; ".join(kept) or "no epoch was logged"
