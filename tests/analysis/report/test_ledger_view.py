import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.comparison.chosen_runs import choose
from analysis.comparison.overrules import overrule
from analysis.report.gap_view import gap_view
from analysis.report.ledger_view import ledger_view
from benchmarks.simulated_runs import Trial

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def runs(reported: Trial, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(reported.runs, tmp_path / "runs"))


def test_a_row_tells_what_was_asked_applied_and_found(runs: Path) -> None:
    named = [(run.experiment, run) for run in choose(runs, ()).runs]
    view = ledger_view(named)
    first, second = view["rows"]
    assert (first["name"], first["question"], first["public"]) == ("first", "Is it any good?", 0.5)
    assert (first["verdict"], first["why"]) == ("not judged", "no parent")
    assert second["applied"] == "epochs 3 → 4" and second["verdict"] in ("▲ better", "▼ worse", "not told apart")
    assert second["why"].startswith("against first: ") and second["f1"].low < second["f1"].value < second["f1"].high
    assert view["remarks"] == [] and second["overrule"] is None


def test_an_overruled_verdict_keeps_its_reason_and_what_was_computed(runs: Path) -> None:
    (run,) = choose(runs, ["second"]).runs
    overrule(runs, run.name, "worse", "it needs twice the time", NOW)
    (row,) = ledger_view([("second", run)])["rows"]
    assert (row["overrule"].verdict, row["overrule"].because) == ("worse", "it needs twice the time")
    assert row["why"].startswith("against first: ")


def test_a_ledger_that_is_damaged_is_said_and_the_rest_is_shown(runs: Path) -> None:
    named = [(run.experiment, run) for run in choose(runs, ()).runs]
    (runs / "verdicts.csv").write_text("no,such\n1,2\n")
    view = ledger_view(named)
    assert view["rows"] == [] and any("verdicts.csv" in remark for remark in view["remarks"])
    (runs / "leaderboard.csv").write_text("no,such\n1,2\n")
    gap = gap_view(named)
    assert gap["rows"] == [] and gap["wide"] is None and "leaderboard.csv" in gap["left_out"][0]


def test_only_gaps_of_the_named_runs_are_told(runs: Path) -> None:
    (run,) = choose(runs, ["second"]).runs
    gap = gap_view([("second", run)])
    ((name, text, note),) = gap["rows"]
    assert name == "second" and "Public score 0.6000" in text and note == "note on second"
    assert gap["left_out"] == [] and 'aria-label="Public less out-of-fold macro F1: second ' in gap["wide"]
