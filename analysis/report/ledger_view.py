"""What the templates show of the ledger: hypothesis, what was applied, result, leaderboard, verdict."""

from collections.abc import Sequence
from typing import Any

from analysis.comparison.finished_run import FinishedRun
from analysis.comparison.hypotheses import Entry, hypotheses
from analysis.report.comparison_view import KINDS, MARKS
from data.errors import DataError

View = dict[str, Any]


def ledger_view(named: Sequence[tuple[str, FinishedRun]]) -> View:
    """Entries of the ledgers that the named runs belong to, the oldest first; remarks on what has none."""
    names = {run.name: name for name, run in named}
    rows: dict[str, View] = {}
    remarks: list[str] = []
    for folder in sorted({run.folder.root.parent.parent for _, run in named}):
        try:
            entries, _ = hypotheses(folder)  # its remarks are on runs of no concern here, or those of the comparison
        except DataError as problem:
            remarks.append(str(problem))
            continue
        rows |= {entry.run.name: _row(names[entry.run.name], entry) for entry in entries if entry.run.name in names}
    remarks += [
        f"{name} has no row: it is not the latest run of its experiment."
        for run, name in names.items()
        if run not in rows
    ]
    return {"rows": list(rows.values()), "remarks": remarks}


def _row(name: str, entry: Entry) -> View:
    run, judgement = entry.run, entry.verdict.judgement if entry.verdict else None
    return {
        "name": name,
        "date": run.date,
        "question": run.question or "not recorded",
        "applied": entry.applied.replace(" -> ", " → "),
        "f1": entry.f1,
        "mean": run.f1_mean,
        "sd": run.f1_sd,
        "folds": len(run.folds),
        "public": entry.public,
        "private": entry.private,
        "kind": KINDS[judgement] if judgement else "",
        "verdict": MARKS[judgement] if judgement else "not judged",
        "why": entry.unjudged if entry.verdict is None else _reason(entry, str(run.parent)),
        "overrule": entry.overrule,
    }


def _reason(entry: Entry, parent: str) -> str:
    assert entry.verdict is not None  # noqa: S101  (the caller has looked)
    change, flips = entry.verdict.difference, entry.verdict.flips
    return (
        f"against {parent}: {change.value:+.4f} ({change.low:+.3f} to {change.high:+.3f}); images "
        f"+{flips.images_right:,} −{flips.images_wrong:,}, persons +{flips.persons_right:,} −{flips.persons_wrong:,}"
    )
