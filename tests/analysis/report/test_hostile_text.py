"""Whatever names, questions and notes hold stays text: nothing of it runs, is fetched, or becomes an element."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page

from analysis.comparison.overrules import overrule
from analysis.leaderboard.ledger import safe_text
from analysis.leaderboard.registration import enter_score
from analysis.report.report import Written, write_report
from runners.run_folder import RunFolder
from runners.scores import run_scores
from runners.state import write_arrays, write_json

OpenReport = Callable[..., Page]
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

HOSTILE = (
    "<script>window.ran = 1</script>",
    "</script><script>window.ran = 1</script>",
    "<!--<script>",
    "--></script><img src=x onerror=window.ran=1>",
    "</style><style>body{display:none}</style>",
    "</title><img src=x onerror=window.ran=1>",
    '"><img src=x onerror="window.ran=1">',
    "'><svg onload='window.ran=1'>",
    "<svg><animate onbegin=window.ran=1 attributeName=x dur=1s>",
    '" onmouseover="window.ran=1" autofocus onfocus="window.ran=1',
    "' autofocus onfocus='window.ran=1",
    "javascript:window.ran=1",
    "<a href=javascript:window.ran=1>click</a>",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid/'>",
    "<link rel=stylesheet href=https://example.invalid/a.css>",
    "<base href=https://example.invalid/>",
    "https://example.invalid/a.png",
    "{{ 7*7 }}",
    "{% for x in range(9) %}x{% endfor %}",
    "${window.ran=1}",
    "`${window.ran=1}`",
    "red; background: url(https://example.invalid/b.png)",
    "&lt;script&gt;&#60;b&#62;&amp;",
    "[a](javascript:window.ran=1) **b** <b>c</b>",
    '=HYPERLINK("https://example.invalid/","x")',
    "line\u2028and\u2029paragraph",
    "\u202eright to left\u202c\u2067\u200b",
    "\U0001f637 \U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\u0301\u0301",
    "a" * 200,
    "__proto__",
    "constructor\\u003cb\\u003e\\x3cb\\x3e",
    "two\nlines\tand a tab",
    "bell\x07 delete\x7f escape\x1b[31m",
)
FOLDERS = tuple(text for text in HOSTILE if not set(text) & set("/[]*?\n\t\x07") and len(text) < 200)[:8]
DAMAGED = "${window.ran=1}"


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Runs in folders of hostile names, with hostile classes, images, persons, questions, notes and reasons."""
    runs = tmp_path_factory.mktemp("hostile") / "runs"
    for number, folder in enumerate(FOLDERS):
        run = RunFolder(runs / folder / f"20261123-15000{number}-{number}abcdef012")
        write_hostile_run(run, number)
        enter_score(runs, run, 0.5, None, HOSTILE[number], NOW)
    name = run.root.relative_to(runs).as_posix()
    overrule(runs, name, "worse", HOSTILE[0] + HOSTILE[7], NOW)
    damaged = runs / DAMAGED / "20261123-150009-9abcdef012"
    damaged.mkdir(parents=True)
    (damaged / "MANIFEST.json").write_text("{}")
    return write_report(runs.parent / "report.html", runs, [], NOW)


def write_hostile_run(run: RunFolder, seed: int) -> None:
    """Every hostile text is a class, a person with two images and, with a number before it, each of their names."""
    rng, count = np.random.default_rng(seed), len(HOSTILE)
    run.root.mkdir(parents=True)
    table = pd.DataFrame(
        {
            "image_id": [f"{number}{text}" for text in HOSTILE for number in (1, 2)],
            "person": np.repeat(HOSTILE, 2),
            "target": np.repeat(np.arange(count), 2),
            "fold": np.repeat(np.arange(count) % 2, 2),
        }
    )
    table["path"] = table["image_id"]
    oof = rng.dirichlet(np.full(count, 0.1), 2 * count).astype(np.float32)
    test = rng.dirichlet(np.ones(count), 4).astype(np.float32)
    folds = [{"best_epoch": np.array(2), "epochs": np.array(3)}] * 2
    run.source.write_text(f"'''{seed} {' '.join(HOSTILE).encode('unicode_escape').decode()}'''".replace("\\n", " "))
    record = {"name": HOSTILE[0], "parent": FOLDERS[0] if seed else None, "note": HOSTILE[1], "seed": seed}
    run.record.write_text(json.dumps(record))
    write_arrays(
        run.oof,
        {
            "probabilities": oof,
            "image_ids": np.array(table["image_id"].tolist()),
            "targets": table["target"].to_numpy(),
            "persons": np.array(table["person"].tolist()),
            "folds": table["fold"].to_numpy(),
        },
    )
    write_arrays(run.test, {"probabilities": test, "image_ids": np.array(list("abcd"))})
    table.to_csv(run.folds, index=False)
    write_json(run.scores, {"classes": list(HOSTILE), **run_scores(table, oof, folds, HOSTILE, metrics={})})
    pd.DataFrame({"ImageID": list("abcd"), "ans": test.argmax(1)}).to_csv(run.submission, index=False)
    run.fold(0).root.mkdir()
    run.fold(0).metrics.write_text("epoch,valid_f1,<b>train_loss</b>\n1,0.1,0.2\n2,0.2,0.1\n")
    run.write_manifest()


def as_shown(text: str) -> str:
    """Text as HTML can hold it: control characters become U+FFFD."""
    return "".join(
        "\ufffd" if ord(letter) < 32 and letter not in "\t\n" or 127 <= ord(letter) < 160 else letter for letter in text
    )


def assert_nothing_ran(page: Page) -> None:
    assert page.evaluate("window.ran") is None
    assert page.evaluate("({}).polluted") is None
    found = page.evaluate("""() => ({
        scripts: document.scripts.length, styles: document.styleSheets.length,
        strangers: document.querySelectorAll("iframe, object, embed, base, link, img, b, animate, [srcdoc]").length,
        handlers: [...document.querySelectorAll("*")].flatMap((node) => [...node.attributes])
          .filter((attribute) => /^on|^style$/i.test(attribute.name)).length,
        links: [...document.links].filter((link) => !/^#[a-z]+$/.test(link.getAttribute("href"))).length,
        visible: getComputedStyle(document.body).display,
    })""")
    assert found == {"scripts": 2, "styles": 1, "strangers": 0, "handlers": 0, "links": 0, "visible": "block"}


def test_there_are_thirty_or_more_hostile_texts() -> None:
    assert len(set(HOSTILE)) >= 30 and len(FOLDERS) == 8


def test_nothing_hostile_runs_while_the_page_opens(open_report: OpenReport, hostile_report: Written) -> None:
    page = open_report(hostile_report.path)
    assert_nothing_ran(page)
    assert page.title() == f"Report on {len(FOLDERS)} runs"
    assert page.locator("h2").count() == 6
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_every_hostile_text_is_there_to_read(open_report: OpenReport, hostile_report: Written) -> None:
    page = open_report(hostile_report.path, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    text = page.evaluate("document.querySelector('main').textContent")
    matrix = (
        page.locator(".of-run .matrix").first.locator("tbody th").evaluate_all("cells => cells.map(x => x.textContent)")
    )
    assert matrix == [as_shown(each) for each in HOSTILE]  # classes
    questions = page.locator('#ledger [data-label="hypothesis"]').evaluate_all("cells => cells.map(x => x.textContent)")
    asked = [f"{number} {' '.join(HOSTILE)}".replace("\n", " ").expandtabs() for number in range(len(FOLDERS))]
    assert sorted(questions) == [as_shown(each) for each in asked]  # a docstring has no tabs
    names = page.locator("#ledger tbody th").evaluate_all("cells => cells.map(x => x.childNodes[0].textContent)")
    assert sorted(names) == sorted(map(as_shown, FOLDERS))
    for number in range(len(FOLDERS)):
        assert f"Note: {safe_text(HOSTILE[number])}" in text
    assert "overruled on 2026-11-23: " + HOSTILE[0] + HOSTILE[7] in text
    assert DAMAGED in text  # the run that is left out


def test_nothing_hostile_runs_behind_the_cells(open_report: OpenReport, hostile_report: Written) -> None:
    page = open_report(hostile_report.path)
    listed = page.locator(".of-run:not([hidden]) .matrix button").evaluate_all("""cells => cells.flatMap((cell) => {
        cell.click();
        const rows = [...cell.closest(".beside").querySelectorAll(".behind .image")];
        rows.forEach((row) => row.click());
        return rows.flatMap((row) => [...row.querySelectorAll("bdi")].map((name) => name.textContent));
    })""")
    expected = [text for each in HOSTILE for number in (1, 2) for text in (f"{number}{each}", each)]
    assert sorted(listed) == sorted(expected)  # images and persons, each once, letter by letter
    assert_nothing_ran(page)


REFUSALS = ("error: Executing inline", "error: Applying inline", "error: This document requires 'TrustedHTML'")


def test_the_policy_alone_stops_what_would_have_slipped_through(
    open_report: OpenReport, hostile_report: Written, tmp_path: Path
) -> None:
    """Were a text not escaped: the page with a script, a handler, a style and an image put in by force."""
    body = hostile_report.path.read_text(encoding="utf-8")
    forced = "<script>window.ran=1</script><svg onload='window.ran=1'></svg><p id=forced style='color:red'>x</p>"
    (tmp_path / "forced.html").write_text(body.replace("<main", f"{forced}<main", 1), encoding="utf-8")
    page = open_report(tmp_path / "forced.html", expected=REFUSALS)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.querySelector('#forced')).color") != "rgb(255, 0, 0)"
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>x</b>'")
