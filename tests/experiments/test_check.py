"""The check as a user types it: how long it took, and a bar on a terminal only."""

import io
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from experiments._check import check

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(check)


def test_it_says_how_many_images_it_took_how_long_for(competition: Path) -> None:
    answer = CliRunner().invoke(app, ["--data", str(competition)])
    assert answer.exit_code == 0
    last = answer.output.splitlines()[-1]
    assert last.startswith("105 images looked at in ") and last.endswith(" s.")
    assert "decoding" not in answer.output and "\x1b" not in answer.output


def test_a_terminal_shows_a_bar(competition: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("experiments._check.make_console", lambda: Console(file=screen, force_terminal=True, width=80))
    assert CliRunner().invoke(app, ["--data", str(competition)]).exit_code == 0
    assert "decoding" in screen.getvalue() and "105/105" in screen.getvalue()


def test_a_problem_is_exit_code_one(competition: Path, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("path,label,group\na.jpg,cat,p\n")
    (tmp_path / "a.jpg").write_bytes(b"no image")
    answer = CliRunner().invoke(app, ["--data", str(tmp_path)])
    assert answer.exit_code == 1 and "Problems to mend before training: 1" in answer.output
