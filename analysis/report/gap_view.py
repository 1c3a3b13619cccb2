"""What the templates show of the gap between the leaderboard and the out-of-fold tables of the report's runs."""

from collections.abc import Sequence
from typing import Any

from analysis.comparison.finished_run import FinishedRun
from analysis.leaderboard.ledger import read_ledger
from analysis.leaderboard.submission_gap import explain_gaps
from analysis.report.comparison_view import NARROW, WIDE
from analysis.report.gap_chart import LEGEND, gap_chart
from data.errors import DataError


def gap_view(named: Sequence[tuple[str, FinishedRun]]) -> dict[str, Any]:
    """Gaps of the named runs that have a public score, those of each runs folder explained together."""
    found, left_out = [], []
    for folder in sorted({run.folder.root.parent.parent for _, run in named}):
        names = {run.name: name for name, run in named if run.folder.root.parent.parent == folder}
        try:
            rows = read_ledger(folder)
            explained, sentences = explain_gaps(folder, rows)  # all of them: together they tell the test prior best
        except DataError as problem:
            left_out.append(str(problem))
            continue
        found += [(names[each.submission.run], each) for each in explained if each.submission.run in names]
        short_names = tuple(f"{row.short_name} " for row in rows if row.run in names)
        left_out += [sentence for sentence in sentences if sentence.startswith(short_names)]
    gaps = [(name, each.gap) for name, each in found]
    return {
        "rows": [(name, each.text, each.submission.note) for name, each in found],
        "left_out": left_out,
        "legend": LEGEND,
        "wide": gap_chart(gaps, WIDE) if gaps else None,
        "narrow": gap_chart(gaps, NARROW) if gaps else None,
    }
