import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn
from torch.optim import SGD, AdamW

import runners.diagnostics.overfit
from data.errors import DataError
from data.mixing import CutMix
from data.transforms import resize
from runners.compute import Compute
from runners.criteria import LabelSmoothing
from runners.diagnostics.overfit import Goal, first_batches, overfit, try_overfit
from runners.display import Display
from runners.first_fold import first_fold
from runners.fold_loaders import make_loaders

PROJECT = Path(__file__).parents[3]
CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)


class Pixels(nn.Module):
    """Linear in the pixels: a few images in general position can always be told apart."""

    def __init__(self, classes: int, mode: str) -> None:
        super().__init__()
        self.layer, self.mode = nn.Linear(32 * 24 * 3, classes), mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = images.flatten(1).float() / 255 - 0.5
        if self.mode == "blind":
            features = torch.zeros_like(features)
        logits = self.layer(features)
        return logits.flip(0) if self.mode == "shifted" and self.training else logits


def pixels(*, num_classes: int, mode: str) -> nn.Module:
    torch.manual_seed(0)
    return Pixels(num_classes, mode)


@pytest.fixture
def learn(declare, competition: Path, monkeypatch: pytest.MonkeyPatch):
    """Overfits a declaration; the last row of the log and what was printed."""
    monkeypatch.setattr(runners.diagnostics.overfit, "PASSES", 80)

    def run(batches: int = 1, **changes: object) -> tuple[dict[str, float], str]:
        fields = {
            "model": partial(pixels, mode="plain"),
            "criterion": "ce",
            "optimizer": partial(AdamW, lr=3e-3, weight_decay=0.0),
            "accumulate": 1,
        }
        fold = first_fold(declare(**(fields | changes)), competition, CPU)
        console = Console(width=80, record=True, file=open(os.devnull, "w"))
        row = overfit(fold, batches, Display(console))
        return row, console.export_text()

    return run


def test_a_network_that_can_learn_reaches_a_loss_near_zero(learn) -> None:
    row, printed = learn()
    assert row["valid_accuracy"] == row["valid_f1"] == 1 and row["valid_loss"] < 0.07
    assert "1 batch, 8 images" in printed and "reached" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_smoothed_labels_are_judged_by_their_own_least_loss(learn) -> None:
    row, printed = learn(criteria={"ce": partial(LabelSmoothing, smoothing=0.2)}, batches=2)
    shares = np.array([0.8 + 0.2 / 18, *[0.2 / 18] * 17])
    entropy = float(-(shares * np.log(shares)).sum())
    assert entropy < row["valid_loss"] < entropy + 0.02 * (np.log(18) - entropy) + 1e-3
    assert f"{np.log(18):.4f} for a guess, {entropy:.4f} at best" in printed
    assert "2 batches, 16 images" in printed


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"model": partial(pixels, mode="blind")},
            "Not learnt by heart in 80 passes: loss 2.*, F1 0.*, accuracy 0.1250",
        ),
        ({"model": partial(pixels, mode="shifted")}, "Not learnt by heart .* In training mode it was"),
        ({"optimizer": partial(SGD, lr=1e-9)}, "loss 2.*, F1 0.* labels that belong to other images"),
        ({"optimizer": partial(SGD, lr=1e38), "clip_norm": None}, "The loss became (nan|inf) in pass"),
    ],
    ids=["blind", "wired wrongly", "standing still", "exploding"],
)
def test_a_network_that_can_not_learn_is_said_to_with_loss_and_f1(learn, changes, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        learn(**changes)


def test_the_first_batches_are_the_runs_as_validation_sees_them(declare, competition: Path) -> None:
    """Neither augmented nor mixed, and an image that a sampler draws twice is held once."""
    from data.balanced_samplers import oversampled

    mix = partial(CutMix, alpha=1.0, probability=1.0, partners="any")
    sampler = partial(oversampled, by="age", absent="skip")
    fold = first_fold(declare(criterion="ce", mix=mix, sampler=sampler), competition, CPU)
    batch = first_batches(fold, 3)
    loader = make_loaders(fold)["train"]
    loader.sampler.set_epoch(1)
    drawn = [position for _, position in loader.sampler][: 3 * 8]
    assert batch["index"].tolist() == list(dict.fromkeys(drawn)) and len(set(drawn)) < len(drawn)
    assert batch["targets"].tolist() == fold.train["target"].to_numpy()[batch["index"]].tolist()
    from data.images import decode_rgb

    path = fold.data.root / fold.train["path"].iloc[drawn[0]]
    expected = resize(size=(32, 24))(decode_rgb(path, min_size=(32, 24)), (0,))
    np.testing.assert_array_equal(batch["features"][0].numpy(), expected)


def test_nothing_is_written(declare, competition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runners.diagnostics.overfit, "PASSES", 80)
    experiment = declare(
        criterion="ce", model=partial(pixels, mode="plain"), optimizer=partial(AdamW, lr=3e-3), accumulate=1
    )
    try_overfit(experiment, competition, CPU, 1, Console(file=open(os.devnull, "w")))
    assert not list(tmp_path.iterdir())


def test_the_goal_needs_every_image_and_a_loss_near_the_least() -> None:
    goal = Goal(least=0.5, guess=2.5)
    assert goal.loss == pytest.approx(0.54)
    assert goal.reached({"valid_accuracy": 1.0, "valid_loss": 0.54})
    assert not goal.reached({"valid_accuracy": 0.99, "valid_loss": 0.5})
    assert not goal.reached({"valid_accuracy": 1.0, "valid_loss": 0.55})


def test_a_short_run_and_none_can_not_be_asked_for_together(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments.baseline", "--fast", "--overfit", "1"]
    environment = {**os.environ, "COLUMNS": "80"}
    answer = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)  # noqa: S603 - ours
    said = " ".join(answer.stderr.replace("│", "").split())
    assert answer.returncode == 2 and "one of the two would be right" in said
