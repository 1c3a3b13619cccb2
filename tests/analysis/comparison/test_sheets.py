from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.comparison.chosen_runs import Chosen, choose
from analysis.comparison.comparison import Comparison, compare
from analysis.comparison.finished_run import FinishedRun
from analysis.comparison.sheets import Sheet, clock, group_sheets, legend

Read = Callable[[str], FinishedRun]


def sheets(comparison: Comparison, only_changed: bool = False) -> dict[str, Sheet]:
    (group,) = comparison.groups
    return {sheet.title: sheet for sheet in group_sheets(comparison, group, only_changed)}


@pytest.fixture
def comparison(runs: Path) -> Comparison:
    return compare(choose(runs, ()), sort_by="name")


def test_a_row_a_run_with_scores_folds_and_time(comparison: Comparison) -> None:
    first, second, third = (row.run for row in comparison.rows)
    sheet = sheets(comparison)["Runs"]
    assert sheet.columns == ("#", "run", "F1", "95 %", "folds", "time")
    interval = f"{comparison.rows[0].f1.low:.3f}-{comparison.rows[0].f1.high:.3f}"
    folds = f"{first.f1_mean:.4f}+-{first.f1_sd:.4f}"
    assert sheet.rows[0] == ("1", "run_0", f"{first.f1:.4f}", interval, folds, "0:08")
    assert [row[1:3] for row in sheet.rows[1:]] == [("run_1", f"{second.f1:.4f}"), ("run_2", f"{third.f1:.4f}")]


def test_verdicts_show_change_interval_and_flips(comparison: Comparison) -> None:
    sheet = sheets(comparison)["Verdicts against run_0"]
    verdict = comparison.rows[1].verdict
    assert verdict is not None and [row[0] for row in sheet.rows] == ["run_1", "run_2"]
    change, flips = verdict.difference, verdict.flips
    assert sheet.rows[0] == (
        "run_1", f"{change.value:+.4f}", f"{change.low:+.4f} {change.high:+.4f}", verdict.judgement,
        f"+{flips.images_right} -{flips.images_wrong}", f"+{flips.persons_right} -{flips.persons_wrong}",
    )  # fmt: skip


def test_folds_stand_beside_each_other(comparison: Comparison) -> None:
    sheet = sheets(comparison)["F1 by fold"]
    runs = [row.run for row in comparison.rows]
    assert sheet.columns == ("fold", "1", "2", "3")
    assert sheet.rows == tuple((str(fold + 1), *(f"{run.folds[fold].f1:.4f}" for run in runs)) for fold in range(5))


def test_many_runs_are_shown_ten_at_a_time(read: Read) -> None:
    run = read("run_0")
    copies = [replace(run, folder=type(run.folder)(run.folder.root.with_name(f"x-{n:06d}"))) for n in range(12)]
    comparison = compare(Chosen(tuple(copies), ()), sort_by="name")
    (group,) = comparison.groups
    tables = [sheet for sheet in group_sheets(comparison, group, True) if sheet.title == "F1 by fold"]
    assert [sheet.columns[1:] for sheet in tables] == [tuple(map(str, range(1, 11))), ("11", "12")]


def test_only_values_that_differ_are_listed_with_who_declared_them(comparison: Comparison) -> None:
    sheet = sheets(comparison)["Declared differently"]
    assert sheet.rows == (("seed", "42", "1 2"), ("", "7", "3"), ("epochs", "2", "1 3"), ("", "9", "2"))
    assert sheet.note == (
        "Equal in all: criteria.cross_entropy CrossEntropy; criterion cross_entropy; optimizer AdamW; "
        "optimizer.lr 0.003; optimizer.weight_decay 0.02; tta (identity)."
    )
    assert sheets(comparison, only_changed=True)["Declared differently"] == replace(sheet, note="")


def test_functions_of_one_short_name_are_told_apart(read: Read) -> None:
    first, second = read("run_0"), read("run_1")
    records = [dict(first.record, tta=[{"name": f"{package}.flip"}]) for package in ("mine", "yours")]
    comparison = compare(Chosen((replace(first, record=records[0]), replace(second, record=records[1])), ()))
    assert {row[1] for row in sheets(comparison)["Declared differently"].rows} == {"(mine.flip)", "(yours.flip)"}


def test_equal_declarations_are_said_to_be_equal(read: Read) -> None:
    first = read("run_0")
    twin = replace(read("run_1"), record=first.record)
    sheet = sheets(compare(Chosen((first, twin), ())), only_changed=True)["Declared differently"]
    assert not sheet.rows and sheet.note == "No declared value differs."


def test_a_run_alone_has_no_verdicts_and_nothing_that_differs(read: Read) -> None:
    comparison = compare(Chosen((read("run_0"),), ()))
    assert list(sheets(comparison)) == ["Runs", "F1 by fold", "Questions"]
    assert not any(line.startswith(("verdict", "images")) for line in legend(comparison))


@pytest.mark.parametrize(
    ("seconds", "untimed", "shown"),
    [
        (7.4, 0, "0:07"),
        (59.7, 0, "1:00"),
        (3599.0, 0, "59:59"),
        (3661.0, 0, "1:01:01"),
        (65.0, 2, "1:05+"),
        (None, 5, ""),
    ],
)
def test_time_is_written_as_on_a_clock(read: Read, seconds: float | None, untimed: int, shown: str) -> None:
    run = read("run_0")
    fold = replace(run.folds[0], seconds=seconds, untimed=untimed)
    comparison = compare(Chosen((replace(run, folds=(fold,)),), ()))
    assert clock(comparison.rows[0]) == shown
    assert any("not timed" in line for line in legend(comparison)) == shown.endswith("+")
