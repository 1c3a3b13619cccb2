"""python -m experiments report, as a user types it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.simulated_runs import Trial, write_trial
from data.errors import DataError
from experiments._report import report

PROJECT = Path(__file__).parents[2]
HEAVY = {"torch", "catalyst", "albumentations", "timm", "sklearn", "scipy", "numpy", "pandas", "jinja2", "matplotlib"}

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(report)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return write_trial(tmp_path_factory.mktemp("trial"), "both", seed=2, runs=2, persons=20, test_persons=10)


def run(*words: str) -> str:
    answer = CliRunner().invoke(app, list(words))
    if isinstance(answer.exception, DataError):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_report_is_written_and_its_size_told(trial: Trial, tmp_path: Path) -> None:
    out = tmp_path / "pages" / "report.html"
    said = run("--runs", str(trial.runs), "-o", str(out))
    assert out.read_bytes().startswith(b"<!DOCTYPE html>")
    assert f"report    {out} (0." in said and "140 images" in said and "run_0" in said and "run_1" in said
    assert "pictures  none; --thumbnails --data PATH puts them in" in said


def test_runs_can_be_named(trial: Trial, tmp_path: Path) -> None:
    said = run("run_1", "--runs", str(trial.runs), "-o", str(tmp_path / "one.html"))
    assert "runs      run_1\n" in said


def test_a_folder_whose_name_is_no_text_can_be_told(trial: Trial, tmp_path: Path) -> None:
    runs = Path(shutil.copytree(trial.runs, tmp_path / "runs"))
    (runs / "run_0").rename(runs / "caf\udce9")
    assert "caf\\udce9" in run("--runs", str(runs), "-o", str(tmp_path / "report.html"))


def test_pictures_need_the_data_they_are_made_of(trial: Trial, tmp_path: Path) -> None:
    words = ("--runs", str(trial.runs), "-o", str(tmp_path / "report.html"), "--thumbnails")
    with pytest.raises(DataError, match="--thumbnails needs the images: give --data"):
        run(*words)
    with pytest.raises(DataError, match=r"\.jpg.*is empty"):  # the simulated images are
        run(*words, "--data", str(trial.data.root))
    assert list(tmp_path.iterdir()) == []
    assert "pictures  none" in run(*words[:-1], "--data", str(trial.data.root))  # data alone asks for no picture


def test_help_waits_for_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "experiments", "report", "--help"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own words
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0 and "--thumbnails" in answer.stdout and not imported & HEAVY
