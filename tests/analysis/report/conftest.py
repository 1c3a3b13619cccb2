"""A real browser, and a report to open in it: finished runs on images that exist, with logs, scores and questions."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from analysis.leaderboard.registration import enter_score
from analysis.report.report import Written, write_report
from benchmarks.simulated_runs import Trial, write_run
from data.reading import read_data
from data.splits import PersonStratifiedKFold
from runners.run_folder import RunFolder

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
OpenReport = Callable[..., Page]


@pytest.fixture(scope="session")
def reported(competition: Path, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Runs first and second, second copied from first; both with two folds, logs of three epochs and a public score."""
    data, runs = read_data(competition), tmp_path_factory.mktemp("reported") / "runs"
    rng = np.random.default_rng(0)
    folds = PersonStratifiedKFold(folds=2).assign(data.train, seed=0)
    for number, (name, question) in enumerate((("first", "Is it any good?"), ("second", "Does more help?"))):
        run = RunFolder(runs / name / f"20261123-15000{number}-{number}abcdef012")
        run.root.mkdir(parents=True)
        targets = data.train["target"].to_numpy()
        logits = rng.normal(size=(len(targets), 18)) + (2 + number) * np.eye(18)[targets]
        oof = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
        test = rng.dirichlet(np.ones(18), (2, len(data.test))).astype(np.float32)
        run.source.write_text(f'"""{question}"""\n')
        record = {"name": name, "parent": "first" if number else None, "epochs": 3 + number}
        run.record.write_text(json.dumps(record))
        for fold in range(2):
            write_log(run, fold)
        write_run(run, data, folds, oof, test)
        enter_score(runs, run, 0.5 + number / 10, None, f"note on {name}", NOW)
    return Trial(data, runs)


def write_log(run: RunFolder, fold: int) -> None:
    run.fold(fold).root.mkdir(exist_ok=True)
    rows = [f"{epoch},{3 / epoch},{epoch / 10},{3.5 / epoch},{epoch / 12}" for epoch in (1, 2, 3)]
    header = "epoch,train_loss,train_f1,valid_loss,valid_f1"
    run.fold(fold).metrics.write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture(scope="session")
def plain_report(reported: Trial, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report without pictures."""
    return write_report(tmp_path_factory.mktemp("plain") / "report.html", reported.runs, [], NOW)


@pytest.fixture(scope="session")
def pictured_report(reported: Trial, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report with pictures."""
    return write_report(tmp_path_factory.mktemp("pictured") / "report.html", reported.runs, [], NOW, reported.data.root)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; the test fails where the machine has none."""
    found = [path for path in map(shutil.which, BROWSERS) if path]
    assert found, f"no browser: `make test` installs Debian's chromium; looked for {', '.join(BROWSERS)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0])
        yield browser
        browser.close()


@pytest.fixture
def open_report(browser: Browser) -> Iterator[OpenReport]:
    """Opens files; when the test is over, none has said a word on the console or asked for anything but itself.

    `expected`: how messages begin that are meant to be heard.
    """
    heard: list[str] = []
    asked: list[str] = []
    contexts, opened = [], set()
    foretold: list[str] = []

    def open_file(
        path: Path, width: int = 1280, height: int = 900, expected: tuple[str, ...] = (), **options: object
    ) -> Page:
        foretold.extend(expected)
        context = browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: heard.append(f"popup: {popup.url}"))
        context.on("request", lambda request: asked.append(request.url))
        opened.add(path.as_uri())
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert [message for message in heard if not message.startswith(tuple(foretold))] == []
    assert all(any(message.startswith(beginning) for message in heard) for beginning in foretold)
    assert {url for url in asked if not url.startswith("data:image/webp;base64,")} == opened
