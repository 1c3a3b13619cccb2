"""What the templates show of one run: curves, matrices, class costs, calibration."""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from analysis.mistakes.calibration import Calibration
from analysis.mistakes.class_costs import ClassCost
from analysis.mistakes.confusion import Confusion
from analysis.mistakes.factors import CLASS
from analysis.report.calibration_chart import calibration_chart
from analysis.report.curve_chart import curve_chart
from analysis.report.fold_logs import LOSSES, SCORES, FoldLog
from analysis.report.matrix import matrix_cells, shown_values
from analysis.report.run_section import RunSection
from analysis.report.svg import element

View = dict[str, Any]
LONG = 9  # letters; longer names stand upright above their column


def run_view(section: RunSection, score_top: float) -> View:
    """Names and pictures of a run; score_top: the end of the F1 axis that all runs share."""
    return {
        "name": section.name,
        "f1": f"{section.f1:.4f}",
        **_curves(section, score_top),
        "matrices": [_matrix(confusion) for confusion in section.confusions],
        "costs": _costs(section.costs),
        "calibration_chart": calibration_chart(section.calibration),
        "calibration_text": _calibration_text(section.calibration),
    }


def bar(share: float, kind: str) -> Markup:
    """A bar of 0..1 of its width."""
    full = element("rect", {"width": 100.0, "height": 10.0, "class": "full"})
    filled = element("rect", {"width": 100 * min(max(share, 0.0), 1.0), "height": 10.0, "class": kind})
    attributes = {"class": "bar", "viewBox": "0 0 100 10", "preserveAspectRatio": "none", "aria-hidden": "true"}
    return element("svg", attributes, full, filled)


def _curves(section: RunSection, score_top: float) -> View:
    logs = section.logs
    if not any(log.epochs for log in logs):
        return {"f1_chart": None, "loss_chart": None, "folds": []}
    return {
        "f1_chart": curve_chart(logs, SCORES, f"Macro F1 by epoch, {section.name}", score_top),
        "loss_chart": curve_chart(logs, LOSSES, f"Loss by epoch, {section.name}"),
        "folds": [_fold(log) for log in logs],
    }


def _fold(log: FoldLog) -> View:
    return {
        "name": log.fold + 1,
        "epoch": log.best_epoch,
        "epochs": max(log.epochs, default=0),
        **{column: _number(log.at_best(column)) for column in ("valid_f1", "train_f1")},
    }


def _matrix(confusion: Confusion) -> View:
    shown = shown_values(confusion)
    levels = [confusion.values[value] for value in shown]
    part = (
        ""
        if len(shown) == len(confusion.values)
        else (f"The {len(shown)} of {len(confusion.values)} with the most mistakes.")
    )
    return {
        "name": confusion.name,
        "title": "Classes" if confusion.name == CLASS else confusion.name.capitalize(),
        "levels": levels,
        "rows": matrix_cells(confusion, shown),
        "part": part,
        "upright": max(map(len, levels)) > LONG,
        "f1": f"{confusion.macro_f1:.4f}",
        "accuracy": f"{confusion.accuracy:.4f}",
    }


def _costs(costs: Sequence[ClassCost]) -> list[View]:
    most = max((abs(value) for cost in costs for value in (cost.gain, cost.loss)), default=0.0) or 1.0
    return [
        {
            "index": cost.index,
            "name": cost.name,
            "images": cost.images,
            "persons": cost.persons,
            "precision": cost.precision,
            "recall": cost.recall,
            "f1": cost.f1,
            "gain": cost.gain,
            "loss": cost.loss,
            "gain_bar": bar(cost.gain / most, "gain"),
            "loss_bar": bar(cost.loss / most, "loss"),
        }
        for cost in costs
    ]


def _calibration_text(found: Calibration) -> str:
    return (
        f"The networks are {found.tendency}: {found.mean_confidence:.1%} sure on average, {found.mean_accuracy:.1%} "
        f"right. Expected calibration error {found.expected_error:.3f}; {found.by_chance:.3f} would come of chance "
        "alone on this many images."
    )


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
