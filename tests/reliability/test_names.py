"""Whatever files, classes, people, questions and folders are called, it is shown as text, and runs pass."""

import csv
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import experiments.__main__ as command_line
from data.cache_build import GIB, CacheSettings
from data.csv_rows import FORMULA_STARTS
from data.splits import PersonStratifiedKFold
from data.transforms import resize
from experiments.smoke import EXPERIMENT
from runners.compute import Compute
from runners.display import make_console
from runners.main import run_experiment
from runners.workspace import Workspace

PROJECT = Path(__file__).parents[2]
FOLDER = "데이터 실험 ü😀"
SIZE = (32, 32)
NAMES = (
    "[bold red]alarm[/bold red]", "[link=https://example.invalid]here[/link]", "[/]", "[", "\\[x]", ":warning:",
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b[2J\x1b[H", "\x9b31m", "a\bb\rc", "two\nlines", "a\ttab",
    "<script>window.ran=1</script>", "</script><img src=x onerror=window.ran=1>", "a --><b>", "&lt;b&gt;", "{{ 7*7 }}",
    "'; DROP TABLE images; --", '"quoted", with commas', "`$(touch owned)`; rm -rf x", "%s %n {0}",
    unicodedata.normalize("NFC", "é데ü"), unicodedata.normalize("NFD", "ö누구ñ"), "  two blanks  each  side ",
    "😀 \U0001f468\u200d\U0001f469", "\u202eevil\u202c", "a" * 200, "NA", "con.",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a difficult name with a data set in which each name is a class, people, and images."""
    root = tmp_path / FOLDER
    (root / "input/images").mkdir(parents=True)
    rng, rows, tests = np.random.default_rng(0), [["path", "label", "group"]], [["path"]]
    for number, name in enumerate(NAMES):
        letters = name.translate({ord(each): "_" for each in "/\\"})[:90]
        for copy in range(3):
            file = f"images/{number}{copy} {letters}.png"
            on_disk = unicodedata.normalize("NFD", file) if copy else file
            pixels = rng.integers(0, 256, (*SIZE, 3), np.uint8)
            Image.fromarray(pixels).save(root / "input" / on_disk)
            if copy < 2:
                rows.append([file, name, f"{name} {copy}"])
            else:
                tests.append([file])
    for table, lines in (("data.csv", rows), ("test.csv", tests)):
        with (root / "input" / table).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(lines)
    (root / "experiments").mkdir()
    for number, name in enumerate(NAMES):
        text = name.encode("unicode_escape").decode().replace('"', '\\"')
        (root / "experiments" / f"asks_{number}.py").write_text(f'"""Is {text} shown?"""\n')
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "100")
    return root


def shown(screen: str) -> str:
    """What a terminal was told, checked to hold nothing but text."""
    assert not [letter for letter in screen if not (letter.isprintable() or letter == "\n")], repr(screen)[:2_000]
    return screen


def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A whole run on the project's data: the smoke experiment, smaller, with a question that holds names too."""
    question = " ".join(NAMES[:10]).encode("unicode_escape").decode().replace('"', '\\"')
    source = root / "experiments" / "smoke.py"
    source.write_text(f'"""{question}"""\n')
    still = partial(resize, size=SIZE)
    split = partial(PersonStratifiedKFold, folds=2)
    small = replace(EXPERIMENT, epochs=1, split=split, train_transform=still, valid_transform=still)
    compute, cache = Compute("cpu", threads=1, workers=0, jobs=1), CacheSettings(Path("cache"), GIB, processes=1)
    workspace = Workspace(Path("input"), Path("runs"), compute, cache, fast=False, console=make_console())
    made = run_experiment(small, source, workspace)
    screen = capsys.readouterr()
    assert "[bold red]alarm[/bold red] [link=" in shown(screen.out) and ":warning:" in screen.out and not screen.err
    return made.root


class Elements(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_names_are_text_on_the_terminal_in_tables_and_in_the_report(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    figures: Callable[[str, str], None],
) -> None:  # fmt: skip
    root = run(project, capsys)
    monkeypatch.setattr(command_line, "__file__", str(project / "experiments/__main__.py"))
    commands = {
        "": [], "check": ["--data", "input"], "compare": [], "mistakes": ["smoke", "--data", "input"],
        "report": ["--data", "input", "-o", "report.html"],
    }  # fmt: skip
    for command, words in commands.items():
        answer = CliRunner().invoke(command_line.app, [*command.split(), *words])
        assert answer.exit_code == 0, f"{command}: {answer.output} {answer.exception!r}"
        shown(answer.output)
        if command == "":
            for name in ("[bold red]alarm[/bold red]", "<script>window.ran=1</script>", ":warning:", "{{ 7*7 }}"):
                assert name in answer.output
    page = Elements()
    page.feed((project / "report.html").read_text(encoding="utf-8"))
    runs_something = [
        (tag, name, value) for tag, attributes in page.found for name, value in attributes.items()
        if name.startswith("on") or (name in ("src", "href", "srcdoc", "style") and "window.ran" in str(value))
    ]  # fmt: skip
    assert len(page.found) > 100 and not runs_something
    formulas = 0
    for path in project.rglob("*.csv"):
        if "input" in path.parts:
            continue
        for row in csv.reader(path.open(encoding="utf-8", newline="")):
            formulas += len([cell for cell in row if cell.startswith(FORMULA_STARTS) and not _is_number(cell)])
    assert formulas == 0 and (root / "submission.csv").exists() and not (project / "owned").exists()
    figures("names", f"{len(NAMES)} as class, person, file and question: a run, 4 commands and the report show text")


def _is_number(cell: str) -> bool:
    try:
        return bool(float(cell) or True)
    except ValueError:
        return False


def test_a_project_in_a_folder_of_a_difficult_name(
    tmp_path: Path, competition: Path, lane: Callable[[int, int], int], figures: Callable[[str, str], None]
) -> None:
    """As a user has it: the project copied there, its commands started as processes, folds in their own."""
    if not lane(0, 1):
        pytest.skip("the full lane")
    root = tmp_path / FOLDER
    copied = ("experiments", "analysis", "runners", "callbacks", "data")
    for package in copied:
        shutil.copytree(PROJECT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(competition, root / "input/sample")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for words in (
        ["experiments.smoke", "--jobs", "2", "--workers", "1", "--threads", "1"], ["experiments"],
        ["experiments", "check", "--data", "input/sample"], ["experiments", "compare"],
        ["experiments", "mistakes", "smoke", "--data", "input/sample"],
        ["experiments", "report", "--data", "input/sample", "-o", "보고서 😀.html"],
    ):  # fmt: skip
        answer = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", *words], cwd=root, env=environment, capture_output=True, text=True, timeout=600
        )
        assert answer.returncode == 0, f"{words}: {answer.stdout} {answer.stderr}"
        shown(answer.stdout)
    assert (root / "보고서 😀.html").exists()
    figures("names, of a folder", f"{FOLDER}: a run of two processes and five commands pass")
