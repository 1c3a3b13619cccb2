"""An experiment that trains in a second."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.cache_build import CacheSettings
from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.compute import Compute
from runners.criteria import CrossEntropy, SoftF1
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.models import timm_classifier
from runners.run_folder import RunFolder
from runners.views import hflip, identity
from runners.workspace import Workspace

SIZE = (32, 24)
CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)


@pytest.fixture
def declare() -> Callable[..., Experiment]:
    """A small experiment; keywords replace its fields."""

    def experiment(**changes: Any) -> Experiment:
        fields: dict[str, Any] = {
            "name": "tiny",
            "parent": None,
            "seed": 3,
            "split": partial(PersonStratifiedKFold, folds=2),
            "corrections": None,
            "extra_data": (),
            "age_boundary": None,
            "epochs": 3,
            "batch_size": 8,
            "accumulate": 2,
            "clip_norm": 1.0,
            "model": partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.2),
            "freeze_epochs": 0,
            "criteria": {"ce": partial(CrossEntropy), "f1": partial(SoftF1)},
            "criterion": {1: "ce", 3: "f1"},
            "parameters": None,
            "optimizer": partial(AdamW, lr=1e-3, weight_decay=1e-2),
            "scheduler": partial(CosineAnnealingLR, T_max=3),
            "schedule_every": "epoch",
            "sampler": None,
            "train_transform": partial(
                flip_shift_colour, size=SIZE, flip=0.5, shift=0.1, scale=0.1, rotate=5, brightness=0.1, contrast=0.1
            ),
            "mix": None,
            "valid_transform": partial(resize, size=SIZE),
            "metrics": {},
            "monitor": ("f1", "max"),
            "patience": 3,
            "average": None,
            "precision": "no",
            "compile": False,
            "activation": softmax,
            "tta": (identity, hflip),
        }
        return Experiment(**(fields | changes))

    return experiment


@pytest.fixture
def run(tmp_path: Path, competition: Path):
    """Runs an experiment on the small competition; returns its folder and what was printed."""
    source = tmp_path / "tiny.py"
    source.write_text('"""Does it run?"""\n')

    def start(
        experiment: Experiment, *, fast: bool = False, data: Path = competition, compute: Compute = CPU
    ) -> tuple[RunFolder, str]:
        cache = CacheSettings(tmp_path / "cache", limit=0, processes=1)
        console = Console(width=80, record=True, file=open(os.devnull, "w"))
        workspace = Workspace(data, tmp_path / "runs", compute, cache, fast, console)
        folder = run_experiment(experiment, source, workspace)
        return folder, console.export_text()

    return start
