import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt  # rich brings it

from analysis.comparison.chosen_runs import Chosen, choose
from analysis.comparison.comparison import Comparison, compare
from analysis.comparison.export import as_csv, as_json, as_markdown
from analysis.comparison.finished_run import FinishedRun

Read = Callable[[str], FinishedRun]
HOSTILE = '=cmd|" /C calc"!A0\n<script>a</script> | [x](http://evil) `'


@pytest.fixture
def comparison(runs: Path) -> Comparison:
    return compare(choose(runs, ()), sort_by="name")


def test_json_has_every_value_with_all_digits(comparison: Comparison) -> None:
    whole = json.loads(as_json(comparison, only_changed=False))
    (group,) = whole["groups"]
    assert group["against"] == comparison.rows[0].run.name and whole["remarks"] == []
    for told, row in zip(group["runs"], comparison.rows, strict=True):
        assert told["f1"] == {"value": row.f1.value, "low": row.f1.low, "high": row.f1.high}
        assert [fold["f1"] for fold in told["folds"]] == [fold.f1 for fold in row.run.folds]
        assert told["question"] == row.run.question and told["seconds"] == row.run.seconds
        assert told["declared"]["optimizer"] == "torch.optim.adamw.AdamW"
        if row.verdict is None:
            assert told["verdict"] is None and told["difference"]["value"] is None
        else:
            assert told["verdict"] == row.verdict.judgement
            assert told["difference"]["low"] == row.verdict.difference.low
            assert told["flips"] == vars(row.verdict.flips)
    changed = json.loads(as_json(comparison, only_changed=True))["groups"][0]["runs"]
    assert [run["declared"] for run in changed] == [
        {"seed": "42", "epochs": "2"}, {"seed": "42", "epochs": "9"}, {"seed": "7", "epochs": "2"}
    ]  # fmt: skip


def test_csv_has_a_row_a_run_of_the_same_values(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(comparison, only_changed=False))))
    assert [row["experiment"] for row in rows] == ["run_0", "run_1", "run_2"]
    assert not [column for column in rows[0] if any(other.startswith(f"{column}.") for other in rows[0])
                and not column.startswith("declared")]  # fmt: skip
    for row, expected in zip(rows, comparison.rows, strict=True):
        assert float(row["f1.low"]) == expected.f1.low and float(row["folds.4.f1"]) == expected.run.folds[4].f1
        assert row["declared.epochs"] == str(expected.run.record["epochs"])
        assert row["difference.low"] == ("" if expected.verdict is None else str(expected.verdict.difference.low))
        assert row["public"] == ""
    assert "declared.tta" not in csv.DictReader(io.StringIO(as_csv(comparison, only_changed=True))).fieldnames  # type: ignore[operator]


def test_nothing_in_a_csv_is_run_as_a_formula(read: Read) -> None:
    run = read("run_0")
    record = {**run.record, "=HYPERLINK()": "+1+1", "momentum": -0.5}
    text = as_csv(compare(Chosen((replace(run, question=HOSTILE, record=record),), ())), only_changed=False)
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["question"].startswith("'=cmd") and "\n" not in row["question"]
    assert row["declared.=HYPERLINK()"] == "'+1+1" and row["declared.momentum"] == "-0.5"
    assert not any(cell.startswith(("=", "+", "@")) for pair in row.items() for cell in pair)


def test_markdown_has_all_tables_and_renders_nothing_of_what_names_hold(read: Read, comparison: Comparison) -> None:
    plain = as_markdown(comparison, only_changed=False)
    for title in ("Runs", "Verdicts against run_0", "F1 by fold", "Declared differently", "Questions"):
        assert f"### {title}\n" in plain
    assert "Equal in all: " in plain and "Equal in all: " not in as_markdown(comparison, only_changed=True)
    run = read("run_0")
    hostile = compare(Chosen((replace(run, question=HOSTILE), read("run_1")), (HOSTILE,)))
    tokens = MarkdownIt("commonmark").enable("table").parse(as_markdown(hostile, only_changed=False))
    kinds = {child.type for token in tokens for child in (token, *(token.children or []))}
    assert not kinds & {"html_block", "html_inline", "link_open", "code_inline", "image"}
    cells = [token.content for token in tokens if token.type == "inline"]
    assert sum("<script>" in cell.replace("&lt;", "<") for cell in cells) == 2
