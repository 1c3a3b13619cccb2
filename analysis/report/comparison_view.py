"""What the templates show of the comparison: scores with intervals, and verdicts, group by group."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from analysis.comparison.comparison import Comparison, Group, Row
from analysis.comparison.verdict import Verdict
from analysis.report.forest_chart import Interval, forest_chart

View = dict[str, Any]
WIDE, NARROW = 860.0, 340.0  # widths of a picture of all runs, in pixels: for a desk and for a phone
HALVES = ("public", "private")  # of the leaderboard; one that no run has a score of is not shown
KINDS = {"better": "better", "worse": "worse", "not told apart": ""}
MARKS = {"better": "▲ better", "worse": "▼ worse", "not told apart": "not told apart"}


def comparison_view(comparison: Comparison) -> View:
    """Groups of runs that were measured on the same images, with their pictures and tables."""
    return {"groups": [_group(comparison, group) for group in comparison.groups], "remarks": comparison.remarks}


def duration(seconds: float | None) -> str:
    """Hours and minutes, or minutes and seconds: "2 h 05", "4 min 10"; empty for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min {rest:02d}"


def _group(comparison: Comparison, group: Group) -> View:
    scores = [_score(comparison.label(row.run), row) for row in group.rows]
    against = None if group.against is None else comparison.label(group.against)
    verdicts = [(comparison.label(row.run), row.verdict) for row in group.rows if row.verdict is not None]
    differences = [_difference(name, verdict) for name, verdict in verdicts]
    halves = [half for half in HALVES if any(getattr(row, half) is not None for row in group.rows)]
    axis = "out-of-fold macro F1, 95 % interval; ticks below: single folds"
    return {
        "heading": group.heading,
        "against": against,
        "scores": _both(scores, axis),
        "differences": _both(differences, f"macro F1 less that of {against}, 95 % interval", 0.0) if verdicts else None,
        "rows": [_row(comparison.label(row.run), row, halves) for row in group.rows],
        "halves": halves,
        "folds": max(len(row.run.folds) for row in group.rows),
        "verdicts": [_verdict(name, verdict) for name, verdict in verdicts],
    }


def _both(rows: list[Interval], axis: str, reference: float | None = None) -> dict[str, Markup]:
    return {"wide": forest_chart(rows, WIDE, axis, reference), "narrow": forest_chart(rows, NARROW, axis, reference)}


def _score(name: str, row: Row) -> Interval:
    text = f"{row.f1.value:.4f}  [{row.f1.low:.3f}, {row.f1.high:.3f}]"
    return Interval(name, row.f1.value, row.f1.low, row.f1.high, text, ticks=[fold.f1 for fold in row.run.folds])


def _difference(name: str, verdict: Verdict) -> Interval:
    found = verdict.difference
    text = f"{found.value:+.4f}  {MARKS[verdict.judgement]}"
    return Interval(name, found.value, found.low, found.high, text, KINDS[verdict.judgement])


def _row(name: str, row: Row, halves: Sequence[str]) -> View:
    run = row.run
    untimed = f", {run.untimed} epochs not timed" if run.untimed and run.seconds is not None else ""
    return {
        "name": name,
        "f1": row.f1,
        "mean": run.f1_mean,
        "sd": run.f1_sd,
        "folds": [fold.f1 for fold in run.folds],
        "halves": [getattr(row, half) for half in halves],
        "seconds": run.seconds,
        "time": duration(run.seconds) + untimed,
    }


def _verdict(name: str, verdict: Verdict) -> View:
    flips = verdict.flips
    return {
        "name": name,
        "difference": verdict.difference,
        "kind": KINDS[verdict.judgement],
        "text": MARKS[verdict.judgement],
        "images": f"+{flips.images_right:,} −{flips.images_wrong:,}",
        "images_net": flips.images_right - flips.images_wrong,
        "persons": f"+{flips.persons_right:,} −{flips.persons_wrong:,}",
        "persons_net": flips.persons_right - flips.persons_wrong,
    }
