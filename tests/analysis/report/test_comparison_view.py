from dataclasses import replace

import pytest

from analysis.comparison.chosen_runs import choose
from analysis.comparison.comparison import Comparison, compare
from analysis.comparison.resampled import Estimate
from analysis.report.comparison_view import comparison_view, duration
from benchmarks.simulated_runs import Trial


@pytest.fixture(scope="module")
def comparison(reported: Trial) -> Comparison:
    return compare(choose(reported.runs, ()))


def test_a_group_tells_scores_folds_and_the_half_of_the_leaderboard_that_is_known(comparison: Comparison) -> None:
    (group,) = comparison_view(comparison)["groups"]
    assert (group["against"], group["folds"], group["halves"]) == ("first", 2, ["public"])
    rows = {row["name"]: row for row in group["rows"]}
    assert rows["first"]["halves"] == [0.5] and rows["second"]["halves"] == [0.6]
    for row in comparison.rows:
        shown = rows[row.run.experiment]
        assert shown["f1"] == row.f1 and shown["folds"] == [fold.f1 for fold in row.run.folds]
        assert f"{row.f1.value:.4f}" in group["scores"]["wide"] and f"{row.f1.value:.4f}" in group["scores"]["narrow"]


@pytest.mark.parametrize(
    ("low", "high", "kind", "text"),
    [(0.01, 0.09, "better", "▲ better"), (-0.2, -0.1, "worse", "▼ worse"), (-0.01, 0.09, "", "not told apart")],
)
def test_a_verdict_has_a_word_beside_its_colour(
    comparison: Comparison, low: float, high: float, kind: str, text: str
) -> None:
    (group,) = comparison.groups
    rows = [
        row if row.verdict is None else replace(row, verdict=replace(row.verdict, difference=Estimate(0.04, low, high)))
        for row in group.rows
    ]
    (shown,) = comparison_view(Comparison((replace(group, rows=tuple(rows)),), ()))["groups"]
    (verdict,) = shown["verdicts"]
    assert (verdict["name"], verdict["kind"], verdict["text"]) == ("second", kind, text)
    assert text in shown["differences"]["narrow"]
    flips = next(row.verdict.flips for row in group.rows if row.verdict)
    assert verdict["images"] == f"+{flips.images_right} −{flips.images_wrong}"
    assert verdict["images_net"] == flips.images_right - flips.images_wrong


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0, "0 min 00"), (250.4, "4 min 10"), (7500, "2 h 05"), (3599.6, "1 h 00")]
)
def test_time_is_told_in_hours_or_minutes(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
