from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt  # rich brings it

from analysis.comparison.hypotheses import Entry, hypotheses
from analysis.comparison.hypothesis_table import COLUMNS, as_markdown
from analysis.comparison.overrules import Overrule
from analysis.comparison.resampled import Estimate
from analysis.comparison.verdict import Flips, Verdict

HOSTILE = "a | b\n| c | <img src=x onerror=y> **bold** [x](http://evil)"
BETTER = Verdict(Estimate(0.0212, 0.001, 0.0414), Flips(120, 80, 30, 20))


def cells(text: str) -> list[list[str]]:
    """Rows of the rendered table, as Markdown's inline text."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows: list[list[str]] = []
    for token, before in zip(tokens[1:], tokens, strict=False):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and before.type in ("td_open", "th_open"):
            assert {child.type for child in token.children or []} <= {
                "text",
                "text_special",
                "strong_open",
                "strong_close",
            }
            rows[-1].append("".join(child.content for child in token.children or []))
    return rows


def entry(runs: Path) -> Entry:
    return replace(hypotheses(runs)[0][1], verdict=BETTER, public=0.7612, private=0.75)


def test_one_row_tells_the_whole_story(runs: Path) -> None:
    told = entry(runs)
    header, row = cells(as_markdown([told], []))
    assert tuple(header) == COLUMNS
    f1 = told.f1
    assert row == [
        "run_1", "Does a longer run help?", "epochs 2 -> 9",
        f"{f1.value:.4f} ({f1.low:.3f} to {f1.high:.3f}), folds {told.run.f1_mean:.4f} +- {told.run.f1_sd:.4f}",
        "public 0.7612, private 0.7500",
        "better than run_0: +0.0212 (+0.0010 to +0.0414); images +120 -80, persons +30 -20",
    ]  # fmt: skip


def test_without_scores_or_verdict_the_reason_stands_there(runs: Path) -> None:
    told = replace(entry(runs), verdict=None, unjudged="other data: its files differ", public=None, private=None)
    row = cells(as_markdown([told], []))[1]
    assert row[4:] == ["not handed in", "none: other data: its files differ"]
    assert cells(as_markdown([replace(told, private=0.5)], []))[1][4] == "private 0.5000"
    assert cells(as_markdown([replace(told, public=0.0)], []))[1][4] == "public 0.0000"


def test_an_overruled_verdict_stands_beside_the_computed_one(runs: Path) -> None:
    told = replace(entry(runs), overrule=Overrule("x/y-z", "worse", "twice as slow | for nothing", "2026-11-23"))
    verdict = cells(as_markdown([told], []))[1][5]
    assert verdict == (
        "worse, overruled on 2026-11-23: twice as slow | for nothing (computed: better than run_0: +0.0212 "
        "(+0.0010 to +0.0414); images +120 -80, persons +30 -20)"
    )


def test_nothing_in_names_breaks_the_table_or_is_markup(runs: Path) -> None:
    told = replace(entry(runs), applied=HOSTILE, unjudged=HOSTILE, verdict=None,
                   overrule=Overrule("x/y-z", "worse", HOSTILE, "2026-11-23"))  # fmt: skip
    told = replace(told, run=replace(told.run, question=HOSTILE))
    text = as_markdown([told, told], [HOSTILE])
    rows = cells(text)
    assert [len(row) for row in rows] == [6, 6, 6]
    shown = HOSTILE.replace("\n", " ")
    assert rows[1][1].replace("\u200b", "") == shown and rows[1][2].replace("\u200b", "") == shown
    assert "<img" not in text
