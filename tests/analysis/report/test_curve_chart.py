import math
from xml.etree import ElementTree

import pytest

from analysis.report.curve_chart import HEIGHT, LEFT, RIGHT, WIDTH, curve_chart, score_top
from analysis.report.fold_logs import FoldLog


def log(fold: int, valid: list[float], train: list[float], best: int) -> FoldLog:
    values = {"train_f1": train, "valid_f1": valid, "train_loss": [1 / value for value in train], "valid_loss": valid}
    return FoldLog(fold, list(range(1, len(valid) + 1)), values, best)


def lines(svg: str, kind: str) -> list[list[tuple[float, float]]]:
    found = ElementTree.fromstring(svg).findall("polyline")  # noqa: S314 - our own words
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in line.get("points", "").split())]
        for line in found
        if kind in line.get("class", "").split()
    ]


def test_each_fold_has_a_line_in_training_and_one_in_validation() -> None:
    svg = curve_chart(
        [log(0, [0.1, 0.3], [0.2, 0.4], 2), log(1, [0.2, 0.1], [0.3, 0.5], 1)],
        ("train_f1", "valid_f1"),
        "F1 of a run",
        0.5,
    )
    assert len(lines(svg, "valid")) == len(lines(svg, "train")) == 2
    (first, second), _ = lines(svg, "valid")
    assert LEFT < first[0] < second[0] < WIDTH - RIGHT
    bottom, top = HEIGHT - 34, 10  # 0 and 0.5
    assert first[1] == pytest.approx(bottom - (bottom - top) * 0.1 / 0.5)
    assert second[1] == pytest.approx(bottom - (bottom - top) * 0.3 / 0.5)
    assert {line.get("class") for line in ElementTree.fromstring(svg).findall("polyline")} == {  # noqa: S314
        "curve c0 train",
        "curve c0 valid",
        "curve c1 train",
        "curve c1 valid",
    }


def test_a_dot_marks_the_epoch_that_was_kept() -> None:
    svg = curve_chart([log(0, [0.1, 0.3, 0.2], [0.2, 0.4, 0.5], 2)], ("train_f1", "valid_f1"), "F1", 1.0)
    (dot,) = ElementTree.fromstring(svg).findall("circle")  # noqa: S314
    (_, kept, _) = lines(svg, "valid")[0]
    assert (float(dot.get("cx", "")), float(dot.get("cy", ""))) == kept
    assert "fold 1: kept epoch 2, validation 0.3000" in svg and "fold 1 keeps epoch 2 with 0.300" in svg


def test_what_is_no_number_interrupts_a_line() -> None:
    svg = curve_chart([log(0, [0.1, math.nan, 0.3, 0.2, math.inf, 0.1], [0.5] * 6, 2)], ("valid_f1",), "F1", 1.0)
    assert [len(line) for line in lines(svg, "valid")] == [1, 2, 1]
    assert "no epoch was logged" in svg  # the epoch that was kept has no number either


def test_a_run_without_a_column_gets_an_empty_frame() -> None:
    assert lines(curve_chart([FoldLog(0, [1, 2], {"lr": [1.0, 1.0]}, 1)], ("valid_loss",), "loss"), "curve") == []


def test_runs_share_an_axis_that_holds_the_best_of_them() -> None:
    assert score_top([log(0, [0.1, 0.32], [0.2, 0.47], 1), log(1, [0.1, 0.2], [0.2, 0.3], 1)]) == pytest.approx(0.5)
    assert score_top([log(0, [1.0], [1.0], 1)]) == 1.0
