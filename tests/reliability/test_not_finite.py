"""NaN and infinity in a loss or a metric, from each epoch on: never best, stopped with the images, the state kept."""

import math
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from rehearsal import one_small_fold
from rich.console import Console
from same_results import read_everything
from torch import nn

from data.cache_build import CacheSettings
from data.errors import DataError
from runners.compute import Compute
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.run_folder import RunFolder
from runners.state import read_checkpoint
from runners.workspace import Workspace

EPOCHS, VALID_BATCHES = 5, 4  # 28 images, 8 a batch
IN_A_ROW = 5  # of runners.fold


class Spoilt(nn.Module):
    """Cross entropy that is NaN or infinite from an epoch on, in training or in validation."""

    def __init__(self, epoch: int, not_a_number: bool, training: bool) -> None:
        super().__init__()
        self.first, self.value, self.in_training = epoch, math.nan if not_a_number else math.inf, training
        self.validated = 0  # batches

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        training = torch.is_grad_enabled()
        epoch = self.validated // VALID_BATCHES + 1
        self.validated += not training
        spoilt = epoch >= self.first and training == self.in_training
        return nn.functional.cross_entropy(logits, targets) * (self.value if spoilt else 1.0)


VALIDATED = 28  # images
calls: list[int] = []  # of the metric below, for a validation: it is told nothing else that counts epochs


def spoilt_metric(confusion: Any, *, epoch: int, infinite: bool) -> float:
    """Rises, and is NaN or infinite from an epoch on."""
    calls.extend([1] * int(confusion.sum() == VALIDATED))
    bad = math.inf if infinite else math.nan
    return bad if len(calls) >= epoch else len(calls) / 100


KINDS: Mapping[str, tuple[bool | None, float]] = {
    "training loss NaN": (True, math.nan), "training loss infinite": (True, math.inf),
    "validation loss NaN": (False, math.nan), "metric NaN": (None, math.nan), "metric infinite": (None, math.inf),
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, competition: Path):
    """Runs an experiment on the small competition, in this process."""
    (tmp_path / "tiny.py").write_text('"""Is it finite?"""\n')

    def start(experiment: Experiment, folder: str) -> RunFolder:
        compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
        cache, console = CacheSettings(tmp_path / "cache", limit=0, processes=1), Console(file=open(os.devnull, "w"))
        source = tmp_path / "tiny.py"
        workspace = Workspace(competition, tmp_path / folder, compute, cache, False, console)
        return run_experiment(experiment, source, workspace)

    return start


def declare(kind: str, epoch: int) -> Experiment:
    """One fold of five epochs of which one kind of number is spoilt from an epoch on."""
    training, value = KINDS[kind]
    common: dict[str, Any] = {"epochs": EPOCHS, "patience": EPOCHS, "scheduler": None, "accumulate": 1}
    if training is None:
        calls.clear()
        metric = partial(spoilt_metric, epoch=epoch, infinite=math.isinf(value))
        return one_small_fold(metrics={"odd": metric}, monitor=("odd", "max"), **common)
    spoilt = partial(Spoilt, epoch=epoch, not_a_number=math.isnan(value), training=training)
    return one_small_fold(criteria={"ce": spoilt}, **common)


def test_numbers_that_are_none(run, lane, figures, tmp_path: Path) -> None:
    """The last good epoch stays the best one, in its file and in the state; no file is damaged."""
    epochs = range(1, EPOCHS + 1)[lane(1, 0) :: lane(4, 1)]
    for kind, (training, _) in KINDS.items():
        for epoch in epochs:
            folder = tmp_path / f"{kind} {epoch}"
            if training or epoch == 1:
                with pytest.raises(DataError) as error:
                    run(declare(kind, epoch), folder.name)
                sentence = str(error.value)
                if training:
                    assert f"in {IN_A_ROW} batches in a row, the last one batch {IN_A_ROW} of epoch {epoch}" in sentence
                    assert len(re.findall(r"'\w[^']*'", sentence)) == 8, "the images of the batch"
                else:
                    assert "has no best epoch" in sentence
            else:
                assert run(declare(kind, epoch), folder.name).finished
            read_everything(folder)
            states = list(folder.rglob("state.pth"))
            assert bool(states) == (not training or epoch > 1)
            for path in states:
                state, best = read_checkpoint(path), epoch - 1
                assert len(state["log"]) == (best if training else EPOCHS)
                assert (state["best"] is None) == (best == 0)
                if best:
                    assert 1 <= state["best"]["metrics"]["epoch"] <= best
                    assert all(torch.isfinite(values).all() for values in state["best"]["model"].values())
                    assert read_checkpoint(path.with_name("best.pth"))["metrics"] == state["best"]["metrics"]
    figures(
        "NaN and infinity",
        f"{len(KINDS)} kinds x {len(epochs)} epochs: never best; a training loss stopped its run "
        f"in batch {IN_A_ROW} with the images, the states before it stayed",
    )
