from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.comparison.chosen_runs import Chosen, choose
from analysis.comparison.comparison import SORTS, Comparison, compare
from analysis.comparison.finished_run import FinishedRun
from analysis.comparison.resampled import resample
from analysis.leaderboard.registration import enter_score, find_run
from data.errors import DataError

Read = Callable[[str], FinishedRun]
Change = Callable[..., FinishedRun]


def of(*runs: FinishedRun, **options: Any) -> Comparison:
    return compare(Chosen(runs, ()), **options)


def test_runs_on_the_same_ground_are_one_group_judged_by_their_parent(runs: Path) -> None:
    comparison = compare(choose(runs, ()))
    (group,) = comparison.groups
    assert group.against is not None and group.against.experiment == "run_0" and not group.apart
    assert group.heading == "280 images of 40 persons, 18 classes, 5 folds"
    assert [row.verdict is None for row in group.rows] == [row.run.experiment == "run_0" for row in group.rows]
    values = [row.f1.value for row in group.rows]
    assert values == sorted(values, reverse=True) and not comparison.remarks


def test_numbers_are_those_of_the_bootstrap(read: Read) -> None:
    first, second = read("run_0"), read("run_1")
    ground = first.ground
    expected = resample(ground.targets, ground.persons, np.stack([first.labels, second.labels]), 18)
    rows = {row.run.experiment: row for row in of(first, second).rows}
    assert rows["run_0"].f1 == expected.f1(0) and rows["run_1"].f1 == expected.f1(1)
    verdict = rows["run_1"].verdict
    assert verdict is not None and verdict.difference == expected.difference(1, 0)
    right = [run.labels == ground.targets for run in (first, second)]
    assert verdict.flips.images_right == (right[1] & ~right[0]).sum()
    assert verdict.flips.images_wrong == (right[0] & ~right[1]).sum()


def test_verdicts_are_by_the_run_that_is_asked_for_which_joins_if_it_must(read: Read) -> None:
    comparison = of(read("run_0"), read("run_1"), against=read("run_2"))
    (group,) = comparison.groups
    assert group.against is not None and group.against.experiment == "run_2" and len(group.rows) == 3
    assert len(of(read("run_0"), read("run_1"), against=read("run_1")).rows) == 2


def test_a_parent_judges_wherever_it_is_named(read: Read) -> None:
    (group,) = of(read("run_1"), read("run_0")).groups
    assert group.against is not None and group.against.experiment == "run_0"


def test_the_largest_group_comes_first_and_the_others_are_apart_from_it(read: Read, change: Change) -> None:
    apart = change("run_1", lambda arrays: arrays | {"folds": (arrays["folds"] + 1) % 5})
    groups = of(apart, read("run_0"), read("run_2")).groups
    assert [len(group.rows) for group in groups] == [2, 1] and [bool(group.apart) for group in groups] == [False, True]


def test_without_a_parent_verdicts_are_by_the_first_that_was_named(read: Read) -> None:
    (group,) = of(read("run_2"), read("run_1")).groups
    assert group.against is not None and group.against.experiment == "run_2"


def test_another_split_other_labels_and_other_data_stand_apart_with_the_reason(read: Read, change: Change) -> None:
    def swapped(arrays: dict[str, Any]) -> dict[str, Any]:
        return arrays | {"folds": (arrays["folds"] + 1) % 5}

    def corrected(arrays: dict[str, Any]) -> dict[str, Any]:
        targets = arrays["targets"].copy()
        targets[0] = (targets[0] + 1) % 18
        return arrays | {"targets": targets}

    first, apart, relabelled = read("run_0"), change("run_1", swapped), change("run_2", corrected)
    other = replace(first, ground=replace(first.ground, data="other images"), folder=apart.folder)
    comparison = of(first, apart, relabelled, other)
    reasons = [group.apart for group in comparison.groups]
    assert reasons == [
        "",
        "another split: 280 of 280 images are in another fold",
        "other labels: 1 of 280 images in common are of another class",
        "other data: its files differ",
    ]
    assert all(row.verdict is None for row in comparison.rows)
    assert comparison.groups[1].heading.startswith("Apart, another split")


def test_a_run_apart_from_the_one_asked_for_gets_no_verdict_and_a_sentence(read: Read, change: Change) -> None:
    apart = change("run_1", lambda arrays: arrays | {"folds": (arrays["folds"] + 1) % 5})
    first, other = read("run_0"), read("run_2")
    by_one_alone = of(first, other, apart, against=apart)
    assert [group.against and group.against.experiment for group in by_one_alone.groups] == ["run_1", None]
    comparison = of(first, other, apart, against=first)
    assert [group.against is None for group in comparison.groups] == [False, True]
    assert comparison.remarks == ("run_1: no verdict against run_0, which was measured on something else.",)


def test_joins_images_by_id_whatever_their_order(read: Read, change: Change) -> None:
    before = of(read("run_0"), read("run_1"))
    order = np.random.default_rng(0).permutation(280)
    after = of(read("run_0"), change("run_1", lambda arrays: {name: each[order] for name, each in arrays.items()}))
    assert len(after.groups) == 1
    assert [row.verdict for row in after.rows] == [row.verdict for row in before.rows]


def test_leaderboard_scores_come_from_the_ledger_and_only_for_the_file_that_was_scored(runs: Path) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for name, private in (("run_0", 0.4), ("run_1", None), ("run_2", 0.5)):
        enter_score(runs, find_run(runs, name), 0.6, private, "", now)
    changed = find_run(runs, "run_2").submission
    changed.write_bytes(changed.read_bytes()[:-2] + b"9\n")
    comparison = compare(choose(runs, ()), sort_by="name")
    assert [(row.public, row.private) for row in comparison.rows] == [(0.6, 0.4), (0.6, None), (None, None)]
    assert (
        len(comparison.remarks) == 1 and "run_2" in comparison.remarks[0] and "changed since" in comparison.remarks[0]
    )
    (runs / "leaderboard.csv").write_text("nonsense\n")
    comparison = compare(choose(runs, ()))
    assert all(row.public is None for row in comparison.rows) and "no leaderboard scores" in comparison.remarks[0]


@pytest.mark.parametrize("sort_by", list(SORTS))
def test_sorts_by_any_column_the_best_first_and_the_unknown_last(runs: Path, read: Read, sort_by: str) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for name, score in (("run_0", 0.1), ("run_2", 0.9)):
        enter_score(runs, find_run(runs, name), score, score, "", now)
    rows = compare(choose(runs, ()), sort_by=sort_by).rows
    by_name = {
        "f1": sorted(rows, key=lambda row: -row.run.f1),
        "mean": sorted(rows, key=lambda row: -row.run.f1_mean),
        "public": sorted(rows, key=lambda row: -(row.public or 0)),
        "private": sorted(rows, key=lambda row: -(row.private or 0)),
        "time": sorted(rows, key=lambda row: row.run.seconds or 0),
        "name": sorted(rows, key=lambda row: row.run.experiment),
        "date": sorted(rows, key=lambda row: row.run.folder.root.name),
    }
    assert rows == by_name[sort_by]


def test_labels_tell_runs_of_one_experiment_apart(read: Read) -> None:
    run = read("run_1")
    twin = replace(run, folder=type(run.folder)(run.folder.root.with_name("20261124-150000-cccccccccc")))
    comparison = of(read("run_0"), run, twin)
    assert [comparison.label(each) for each in (read("run_0"), run, twin)] == ["run_0", "run_1 b2c3d4", "run_1 cccccc"]


def test_nothing_to_compare_and_unknown_orders_are_sentences(read: Read) -> None:
    with pytest.raises(DataError, match="no finished run to compare"):
        of()
    with pytest.raises(DataError, match="x is damaged"):
        compare(Chosen((), ("x is damaged",)))
    with pytest.raises(DataError, match="expected one of f1, mean, public, private, time, name, date"):
        of(read("run_0"), sort_by="luck")


def test_a_run_alone_has_a_score_and_no_verdict(read: Read) -> None:
    (group,) = of(read("run_0")).groups
    assert group.against is None and group.rows[0].f1.low < group.rows[0].f1.value < group.rows[0].f1.high
