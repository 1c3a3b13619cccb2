"""The commands as a user types them."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import typer
from PIL import Image
from torch.optim import AdamW
from typer.testing import CliRunner

import experiments._find
import runners.diagnostics.batch_size_finder
from data.errors import DataError
from data.splits import PersonStratifiedKFold
from data.transforms import resize
from experiments._find import find_batch_size, find_lr
from experiments._summary import summary
from experiments.baseline import EXPERIMENT
from runners.models import timm_classifier

PROJECT = Path(__file__).parents[2]
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
for command in (find_lr, find_batch_size, summary):
    app.command()(command)


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    lines = [line for line in answer.output.splitlines() if not line.startswith("picture")]
    assert max(map(len, lines)) <= 100
    return answer.output


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any name is that of an experiment which trains in a second."""
    small = partial(resize, size=(32, 24))
    experiment = replace(
        EXPERIMENT,
        batch_size=8,
        accumulate=2,
        model=partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0),
        optimizer=partial(AdamW, lr=1e-3),
        train_transform=small,
        valid_transform=small,
        split=partial(PersonStratifiedKFold, folds=2),
    )
    monkeypatch.setattr(experiments._find, "declared", lambda name: experiment)


def test_a_rate_is_suggested_or_refused_with_a_picture(tiny, competition: Path, tmp_path: Path) -> None:
    out = tmp_path / "[red]rates[/red].png"
    told = run("find-lr", "tiny", "--data", str(competition), "-o", str(out), "--steps", "12", "--threads", "1")
    assert "12 steps of 16 images" in told and "declared    0.001" in told
    assert "suggestion  none: 12 steps leave 6 losses, and 20 are needed: more --steps" in told
    assert f"picture     {out}" in told.replace("\n", "")
    with Image.open(out) as image:
        assert image.format == "PNG" and image.width >= 1000


def test_sizes_are_shown_with_a_suggestion(tiny, competition: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(work, fold, batch, size: int, device: str) -> tuple[float, int]:
        return 0.01 + 0.001 * size, 2**20 * size

    monkeypatch.setattr(runners.diagnostics.batch_size_finder, "in_child", measured)
    told = run("find-batch-size", "tiny", "--data", str(competition), "--threads", "1", "--jobs", "1")
    assert "    16     615.4        26.0      0.02" in told
    assert "end         an epoch has 42 images" in told and "declared    batch_size=8, accumulate=2" in told
    assert "suggestion  batch_size=42" in told and "42 images a step instead of 16" in told


def test_a_network_is_summed_up_without_data() -> None:
    told = run("summary", "frozen_start", "--classes", "5")
    assert "backbone.blocks.0" in told and "total" in told and "(1, 5)" in told and "192x144" in told
    assert "frozen   in the first" in told


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    for command in ("find-lr", "find-batch-size", "summary"):
        with pytest.raises(DataError, match="There is no experiment 'focal_fold'; the nearest names are: focal_kfold"):
            run(command, "focal_fold")
        with pytest.raises(DataError, match="linear_probe is a linear probe"):
            run(command, "linear_probe")


def test_help_needs_no_torch() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "experiments", "find-lr", "--help"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own words
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0 and "--steps" in answer.stdout
    assert not imported & {"torch", "catalyst", "matplotlib", "albumentations", "pandas", "numpy"}
