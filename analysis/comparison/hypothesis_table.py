"""The ledger of hypotheses as Markdown: one row an experiment, ready to paste into a write-up."""

from collections.abc import Sequence

from analysis.comparison.hypotheses import Entry
from analysis.comparison.markdown import cell, table
from analysis.comparison.verdict import Verdict

COLUMNS = ("experiment", "hypothesis", "what was applied", "out-of-fold F1", "leaderboard", "verdict")


def as_markdown(entries: Sequence[Entry], remarks: Sequence[str]) -> str:
    """The table, what its numbers mean, and what is left out; names and questions may hold anything."""
    rows = [_row(entry) for entry in entries]
    notes = [
        "Macro F1 of the out-of-fold table with its 95 % interval, and of the folds (mean +- standard deviation).",
        "A verdict is against the parent, by a paired bootstrap over persons; what was applied is the difference to "
        "its record.",
        *remarks,
    ]
    lines = "".join(f"- {cell(note)}\n" for note in notes)
    return f"{table(COLUMNS, rows)}\n{lines}"


def _row(entry: Entry) -> tuple[str, ...]:
    run = entry.run
    folds = f", folds {run.f1_mean:.4f} +- {run.f1_sd:.4f}" if len(run.folds) > 1 else ""
    result = f"{entry.f1.value:.4f} ({entry.f1.low:.3f} to {entry.f1.high:.3f}){folds}"
    halves = (("public", entry.public), ("private", entry.private))
    leaderboard = ", ".join(f"{half} {value:.4f}" for half, value in halves if value is not None)
    return (
        cell(run.experiment),
        cell(run.question or "not recorded"),
        cell(entry.applied),
        cell(result),
        cell(leaderboard or "not handed in"),
        _verdict(entry),
    )


def _verdict(entry: Entry) -> str:
    """The computed verdict, or what a person put in its place beside it."""
    computed = f"none: {entry.unjudged}" if entry.verdict is None else _computed(entry.verdict, str(entry.run.parent))
    if entry.overrule is None:
        return cell(computed)
    by_hand = entry.overrule
    said = f"**{cell(by_hand.verdict)}**, overruled on {cell(by_hand.entered)}: {cell(by_hand.because)}"
    return f"{said} (computed: {cell(computed)})"


def _computed(verdict: Verdict, parent: str) -> str:
    word = {"better": "better than", "worse": "worse than", "not told apart": "not told apart from"}[verdict.judgement]
    change, flips = verdict.difference, verdict.flips
    return (
        f"{word} {parent}: {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f}); images +{flips.images_right} "
        f"-{flips.images_wrong}, persons +{flips.persons_right} -{flips.persons_wrong}"
    )
