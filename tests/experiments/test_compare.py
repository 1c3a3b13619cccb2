"""The commands as a user types them, on simulated finished runs with declarations."""

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from benchmarks.comparison import declare, declared_runs
from data.errors import DataError
from experiments._compare import compare, ledger
from runners.run_folder import RunFolder, latest_finished
from runners.state import write_json

PROJECT = Path(__file__).parents[2]
HOSTILE = "[red]markup[/red] =1+1 | `code` <script> \x1b[31m [link=http://evil]x[/link]\nsecond line"
Command = Callable[..., Result]

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(compare)
app.add_typer(ledger, name="ledger")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return declared_runs(tmp_path_factory.mktemp("trial"), runs=3, persons=40, test_persons=20)


@pytest.fixture
def runs(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a folder of the test's own, as a user stands in the project."""
    shutil.copytree(written, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Path("runs")


@pytest.fixture
def command(runs: Path) -> Command:
    def run(*words: str, code: int = 0) -> Result:
        answer = CliRunner().invoke(app, list(words))
        if isinstance(answer.exception, DataError):
            raise answer.exception
        assert answer.exit_code == code, answer.output
        return answer

    return run


def folder(runs: Path, name: str) -> RunFolder:
    return RunFolder(next((runs / name).iterdir()))


def test_compares_every_experiment_in_a_hundred_columns(command: Command) -> None:
    said = command("compare").stdout
    assert max(map(len, said.splitlines())) <= 100
    assert "280 images of 40 persons, 18 classes, 5 folds" in said and "Verdicts against run_0" in said
    for words in (
        "run_2",
        "Does a learning rate 2 times smaller help?",
        "optimizer.lr",
        "0.0015",
        "Equal in all: seed 42",
    ):
        assert words in said
    assert "Equal in all" not in command("compare", "--only-changed").stdout


def test_the_terminal_of_eighty_columns_cuts_nothing_off(
    command: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runners.display.PIPE_COLUMNS", 80)
    long_name = "efficientnet_pretrained_focal_and_mixup"
    (runs / "run_2").rename(runs / long_name)
    for name, score in (("run_0", "0.7612"), ("run_1", "0.7712")):
        command_of_leaderboard(runs, name, score)
    said = command("compare").stdout
    assert max(map(len, said.splitlines())) <= 80 and "…" not in said
    assert "0.7612" in said and "0.7712" in said


def command_of_leaderboard(runs: Path, name: str, score: str) -> None:
    from datetime import UTC, datetime

    from analysis.leaderboard.registration import enter_score, find_run

    enter_score(runs, find_run(runs, name), float(score), float(score), "", datetime(2026, 11, 23, tzinfo=UTC))


def test_runs_are_judged_by_the_one_that_is_asked_for(command: Command, runs: Path) -> None:
    said = command("compare", "run_0", str(folder(runs, "run_1").root), "--against", "run_2", "--format", "json").stdout
    (group,) = json.loads(said)["groups"]
    assert group["against"].startswith("run_2/") and len(group["runs"]) == 3
    assert [run["verdict"] is None for run in group["runs"]] == [run["experiment"] == "run_2" for run in group["runs"]]


def test_formats_for_programs_hold_nothing_else(command: Command, runs: Path) -> None:
    folder(runs, "run_1").oof.unlink()
    rows = list(csv.DictReader(io.StringIO(command("compare", "--format", "csv", "--sort-by", "name").stdout)))
    assert [row["experiment"] for row in rows] == ["run_0", "run_2"]
    assert "oof.npz is gone" in command("compare", "--format", "csv").stderr
    assert "oof.npz is gone" in json.loads(command("compare", "--format", "json").stdout)["remarks"][0]
    assert command("compare", "--format", "md").stdout.startswith("## 280 images")


def test_what_was_asked_for_and_is_not_there_fails_but_the_others_are_compared(command: Command, runs: Path) -> None:
    folder(runs, "run_1").manifest.unlink()
    said = command("compare", "run_0", "run_1", "nosuch", "run_2", code=1).stdout
    assert "No run of run_1 in runs is finished" in said and "'nosuch' is neither" in said
    assert "Verdicts against run_0" in said
    assert "run_1: no run is finished" in command("compare").stdout
    with pytest.raises(DataError, match="'nosuch' is neither"):
        command("compare", "nosuch")
    with pytest.raises(DataError, match="'nosuch' is neither"):
        command("compare", "--against", "nosuch")


def test_other_data_stands_apart(command: Command, runs: Path) -> None:
    declare(folder(runs, "run_2"), "?", {}, parent="run_0", data="others")
    said = command("compare").stdout
    assert "Apart, other data: its files differ" in said and "Verdicts against run_0" in said
    assert said.index("run_1") < said.index("Apart") < said.rindex("run_2")


def test_nothing_in_a_run_is_markup_on_the_terminal(command: Command, runs: Path) -> None:
    declare(folder(runs, "run_1"), HOSTILE, {"note": HOSTILE}, parent="run_0")
    (runs / "run_2").rename(runs / "[bold]run[slash]")
    said = command("compare").stdout
    assert "[red]markup[/red] =1+1 | `code` <script> [31m" in " ".join(said.split()) and "\x1b" not in said
    assert "[bold]run[slash]" in said


def test_the_ledger_is_written_and_a_verdict_can_be_overruled_and_upheld(command: Command, runs: Path) -> None:
    command_of_leaderboard(runs, "run_1", "0.7612")
    said = command("ledger").stdout
    rows = said.splitlines()
    assert [row.split(" | ")[0] for row in rows[:5]] == ["| experiment", "| ---", "| run_0", "| run_1", "| run_2"]
    assert "optimizer.lr 0.003 -> 0.0015" in rows[3] and "public 0.7612" in rows[3] and "run_0: " in rows[3]

    entered = command("ledger", "overrule", "run_1", "worse", "--because", "slower | for nothing").stdout
    assert "worse" in entered and (runs / "verdicts.csv").exists()
    assert "written  out/ledger.md: 3 experiments" in command("ledger", "-o", "out/ledger.md").stdout
    written = Path("out/ledger.md").read_text()
    assert "**worse**, overruled on 2" in written and "slower &#124; for nothing (computed: " in written
    assert "in place of worse: slower | for nothing" in command(
        "ledger", "overrule", "run_1", "better", "--because", "rare classes"
    ).stdout  # fmt: skip
    assert "no longer better, because: rare classes" in command("ledger", "uphold", "run_1").stdout
    assert command("ledger").stdout == said


def test_a_file_that_is_no_ledger_is_not_replaced(command: Command) -> None:
    Path("notes.md").write_text("# Mine")
    with pytest.raises(DataError, match="notes.md is there and no ledger: .* nothing of yours is replaced"):
        command("ledger", "-o", "notes.md")
    assert Path("notes.md").read_text() == "# Mine"
    command("ledger", "-o", "ledger.md")
    command("ledger", "-o", "ledger.md")  # its own it writes anew


def test_other_versions_or_another_commit_are_said(command: Command, runs: Path) -> None:
    for run, torch in (("run_0", "2.14.1"), ("run_1", "2.13.0"), ("run_2", "2.14.1")):
        folder = latest_finished(runs, run)
        assert folder is not None
        facts = {"versions": {"torch": torch}, "compute": {"device": "cpu", "threads": len(run)}, "commit": "a" * 40}
        write_json(folder.environment, facts)
        folder.write_manifest()
    sentence = "run_1 was made otherwise than run_0: torch 2.13.0 (there 2.14.1)."
    for words in (("compare",), ("ledger",)):
        said = " ".join(command(*words).stdout.replace("\\", "").replace("&#8203;", "").split())
        assert sentence in said and "run_2 was made otherwise" not in said


def test_a_verdict_needs_a_reason_and_a_known_word(command: Command) -> None:
    assert "because" in command("ledger", "overrule", "run_1", "worse", code=2).output
    assert "not told apart" in command("ledger", "overrule", "run_1", "best", "--because", "x", code=2).output
    with pytest.raises(DataError, match="no reason found"):
        command("ledger", "overrule", "run_1", "worse", "--because", " ")
    with pytest.raises(DataError, match="is not overruled"):
        command("ledger", "uphold", "run_1")
    assert "after its name" in " ".join(command("ledger", "--runs", "x", "uphold", "run_1", code=2).output.split())


def test_no_runs_are_a_sentence(command: Command) -> None:
    for words in (["compare", "--runs", "nowhere"], ["ledger", "--runs", "nowhere"]):
        with pytest.raises(DataError, match="no finished run|is finished"):
            command(*words)
    with pytest.raises(DataError, match="can't be written"):
        command("ledger", "-o", "runs")


def test_only_help_is_needed_for_help_and_nothing_heavy_for_the_rest(runs: Path) -> None:
    script = (
        "import typer, experiments._compare as module; app = typer.Typer(); app.command()(module.compare); "
        "app.add_typer(module.ledger, name='ledger'); app()"
    )
    for words in (["compare", "--help"], ["ledger", "overrule", "--help"], ["compare"]):
        answer = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-X", "importtime", "-c", script, *words], capture_output=True, text=True,
            env={"PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
        imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
        heavy = {"torch", "catalyst", "albumentations", "timm", "sklearn", "matplotlib"}
        heavy |= {"numpy", "pandas", "scipy"} if "--help" in words else set()
        assert answer.returncode == 0 and not imported & heavy, words
