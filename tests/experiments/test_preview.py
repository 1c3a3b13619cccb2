"""The command as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from data.errors import DataError
from experiments._preview import preview

PROJECT = Path(__file__).parents[2]
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(preview)


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_picture_is_written(competition: Path, tmp_path: Path) -> None:
    out = tmp_path / "[red]pictures[/red]" / "mixup.png"
    told = run("mixup", "--data", str(competition), "-o", str(out), "--epoch", "3")
    assert told.replace("\n", "") == f"written {out}"
    with Image.open(out) as image:
        assert image.format == "PNG" and image.width > 1000 and image.height > 1000


def test_mistakes_are_one_sentence(competition: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no experiment 'focal_fold'; the nearest names are: focal_kfold"):
        run("focal_fold", "--data", str(competition))
    with pytest.raises(DataError, match="There is no experiment '_check'"):
        run("_check", "--data", str(competition))
    with pytest.raises(DataError, match="is a folder: --out takes the name of a PNG"):
        run("baseline", "--data", str(competition), "-o", str(tmp_path))
    with pytest.raises(DataError, match="There is no data at"):
        run("baseline", "--data", str(tmp_path / "nowhere"))


def test_help_needs_no_torch() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "experiments", "preview", "--help"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own words
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0 and "--epoch" in answer.stdout
    assert not imported & {"torch", "catalyst", "matplotlib", "albumentations", "pandas"}


def test_a_linear_probe_has_no_training_images_to_show(competition: Path) -> None:
    with pytest.raises(DataError, match="linear_probe is a linear probe: it trains no network"):
        run("linear_probe", "--data", str(competition))
