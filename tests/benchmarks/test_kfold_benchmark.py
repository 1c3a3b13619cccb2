"""Everybody makes the same k-fold run, and decodes are counted in every process; how long it takes is not tested."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from benchmarks import kfold, kfold_run
from benchmarks.epoch import OURS, PEERS
from benchmarks.kfold import main
from benchmarks.kfold_run import Report, Task, decodes_counted, measure
from benchmarks.machine import machine
from benchmarks.workload import NETWORKS

EPOCHS, FOLDS, IMAGES = 1, 2, 42
SMALL = replace(NETWORKS["tiny"], size=(16, 16))


@pytest.fixture
def task(photos) -> Task:
    """21 images a fold, three whole batches, as timm would leave out the rest."""
    return Task(photos.root, SMALL, batch_size=7, epochs=EPOCHS, folds=FOLDS, workers=0)


@pytest.mark.parametrize("name", [OURS, *PEERS])
def test_a_peer_decodes_for_every_fold_and_epoch_and_this_project_once(name: str, task: Task, tmp_path: Path) -> None:
    report = measure(name, task, tmp_path)
    assert report.decodes == (IMAGES if name == OURS else FOLDS * EPOCHS * IMAGES)
    assert len(report.f1) == FOLDS and all(0 <= f1 <= 1 for f1 in report.f1) and report.wall > 0 and report.cpu > 0


def test_decodes_of_worker_processes_count(task: Task, tmp_path: Path) -> None:
    report = measure("PyTorch", replace(task, workers=2), tmp_path)
    assert report.decodes == FOLDS * EPOCHS * IMAGES


def test_decodes_are_counted_only_inside_the_block(photos) -> None:
    path, before = photos.root / photos.train["path"][0], (cv2.imread, PIL.Image.open)
    with decodes_counted() as decodes:
        cv2.imread(str(path))
        with PIL.Image.open(path) as image:
            assert np.asarray(image).shape == (64, 48, 3)
        assert decodes() == 2
    assert (cv2.imread, PIL.Image.open) == before and decodes() == 2


def test_each_contestant_runs_in_a_process_of_its_own_on_what_was_asked_for(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(words: list[str], check: bool) -> None:
        assert words[:3] == [sys.executable, "-m", "benchmarks.kfold_run"] and check
        kfold_run.main(words[3:])

    def record(name: str, given: Task, folder: Path) -> Report:
        asked.append((name, given, folder))
        return Report(3.0, 2.0, 5, [0.5])

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(kfold_run, "measure", record)
    given = replace(task, network=NETWORKS["tiny"])
    assert kfold.in_own_process("skorch", given, tmp_path) == Report(3.0, 2.0, 5, [0.5])
    assert asked == [("skorch", given, tmp_path)] and json.loads((tmp_path / "report.json").read_text())["decodes"] == 5


def test_prints_ratios_decodes_and_goals(capsys: pytest.CaptureFixture[str]) -> None:
    def foretold(name: str, task: Task, folder: Path) -> Report:
        return Report(*((4.0, 8.0, 14, [0.5, 0.7]) if name == OURS else (12.0, 16.0, 84, [0.25])))

    main(["--images", "14", "--epochs", "3", "--folds", "2", "--peers", "PyTorch"], foretold)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100 and lines[-1] == machine()
    assert lines[0] == "mobilenetv3_small_050, 14 images of 128x128, batches of 64"
    assert lines[1] == "2 folds x 3 epochs x 14 images = 84 to look at"
    ours, peer = lines[3].removeprefix(OURS).split(), lines[4].split()
    assert ours[:4] == ["4.00", "8.00", "1.00", "1.00"] and ours[5:] == ["14", "0.600"]
    assert peer[:5] == ["PyTorch", "12.00", "16.00", "3.00", "2.00"] and peer[6:] == ["84", "0.250", ">=2.5"]
