import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import DataError
from runners.compute import Compute
from runners.ranks import check_ranks
from runners.run_folder import FoldFolder

PROJECT = Path(__file__).parents[2]

SCRIPT = '''"""Is it the same in two processes?"""
import json, multiprocessing, os, signal, sys
import timm  # once, before processes are forked
from dataclasses import replace
from functools import partial
from pathlib import Path
from rich.console import Console
from torch.optim import AdamW
from torch.optim.lr_scheduler import ReduceLROnPlateau
from callbacks.average import EMA, SWA
from callbacks.regression import absolute_error
from data.cache_build import CacheSettings
from data.datasets import ImageDataset
from data.errors import DataError
from data.splits import PersonHoldout
from data.transforms import resize
from runners.activations import softmax
from runners.criteria import CrossEntropy, inverse_frequency
from runners.compute import Compute
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.models import timm_classifier
from runners.views import identity
from runners.workspace import Workspace

out, data = Path(sys.argv[1]), Path(sys.argv[2])
def exact(*, num_classes):
    """In float64: this small network of batch norms makes a thousand times more of a rounding error in an epoch."""
    return timm_classifier(num_classes=num_classes, backbone="test_resnet", pretrained=None, drop_rate=0.0).double()

# 56 images to train on and 28 to validate with: the last batch of the one is a single image, and of the other
windows = Experiment(
    name="cases", parent=None, seed=3, split=partial(PersonHoldout, valid_fraction=0.3), corrections=None,
    extra_data=(), age_boundary=None, epochs=2, batch_size=11, accumulate=2, clip_norm=1.0,
    model=partial(timm_classifier, backbone="test_convnext", pretrained=None, drop_rate=0.0), freeze_epochs=0,
    criteria={"weighted": partial(CrossEntropy, class_weights=inverse_frequency), "plain": partial(CrossEntropy)},
    criterion={1: "plain", 2: {"weighted": 0.7, "plain": 0.3}}, parameters=None,
    optimizer=partial(AdamW, lr=1e-3, weight_decay=0.01),
    scheduler=partial(ReduceLROnPlateau, mode="min", patience=0), schedule_every="epoch", sampler=None,
    train_transform=partial(resize, size=(64, 48)), mix=None, valid_transform=partial(resize, size=(64, 48)),
    metrics={}, monitor=("loss_plain", "min"), patience=4, average=partial(EMA, decay=0.9, warmup=10),
    precision="no", compile=False, activation=softmax, tta=(identity,),
)
norms = replace(
    windows, batch_size=9, accumulate=1, criterion="weighted",
    metrics={"error": partial(absolute_error, values=tuple(range(18)))},
    model=partial(exact), monitor=("error", "min"), average=partial(SWA, start=1), scheduler=None,
)

def run(experiment, name, ranks, workers=0):
    compute = Compute("cpu", threads=1, workers=workers, jobs=1, ranks=ranks)
    console = Console(width=100, file=open(os.devnull, "w"))
    workspace = Workspace(data, out / name, compute, CacheSettings(out, 0, 1), False, console)
    run_experiment(experiment, Path(__file__), workspace)

def fails(experiment, name):
    try:
        run(experiment, name, 2)
    except DataError as error:
        said[name] = str(error)
    children[name] = len(multiprocessing.active_children())

said, children = {}, {}
run(windows, "windows two", 2)
run(norms, "norms two", 2, workers=1)

replace_file, take = os.replace, ImageDataset.__getitems__
def kill_second_commit(source, target, seen=[]):
    seen += [target] if Path(target).name == "state.pth" else []
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    replace_file(source, target)
os.replace = kill_second_commit
fails(windows, "killed")
os.replace = replace_file
run(windows, "killed", 2)

def unreadable(self, keys):
    if os.environ.get("RANK") == "1" and keys and keys[0][0] == 2:
        raise DataError("second.jpg is truncated.")
    return take(self, keys)
ImageDataset.__getitems__ = unreadable
fails(norms, "unreadable")
ImageDataset.__getitems__ = take

run(windows, "windows one", 1)
run(norms, "norms one", 1)
print(json.dumps({"said": said, "children": children}))
'''


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, competition: Path):
    """Runs in one and in two processes, by name; and what the script said. Processes are forked from a clean one."""
    out = tmp_path_factory.mktemp("ranks")
    script = out / "cases.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    words = [sys.executable, str(script), str(out), str(competition)]
    answer = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)  # noqa: S603
    assert answer.returncode == 0, answer.stderr
    return out, json.loads(answer.stdout.splitlines()[-1]), answer.stderr


def fold_of(out: Path, name: str) -> FoldFolder:
    (root,) = (out / name / "cases").glob("*-*")
    return FoldFolder(root / "fold_0")


def rows_of(fold: FoldFolder) -> list[dict[str, float]]:
    with fold.metrics.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", ["windows", "norms"])
def test_two_processes_train_what_one_trains(cases, name: str) -> None:
    """Accumulation, class weights, sums of criteria, averages, batch norm; last batches of a single image."""
    out, _, _ = cases
    one, two = (fold_of(out, f"{name} {ranks}") for ranks in ("one", "two"))
    for alone, shared in zip(rows_of(one), rows_of(two), strict=True):
        assert alone.keys() == shared.keys()
        assert max(abs(alone[key] - shared[key]) for key in alone) < 1e-6
    predictions = [np.load(fold.predictions) for fold in (one, two)]
    assert predictions[0]["best_epoch"] == predictions[1]["best_epoch"]
    for part in ("valid", "test"):
        np.testing.assert_allclose(predictions[0][part], predictions[1][part], rtol=0, atol=1e-5)


def test_a_process_killed_in_the_second_epoch_is_said_and_the_run_goes_on_to_the_same_bits(cases) -> None:
    out, told, _ = cases
    assert "fold 1/1: its process ended with code -9" in told["said"]["killed"] and not told["children"]["killed"]
    unkilled, continued = fold_of(out, "windows two"), fold_of(out, "killed")
    assert unkilled.metrics.read_bytes() == continued.metrics.read_bytes()
    assert unkilled.predictions.read_bytes() == continued.predictions.read_bytes()


def test_a_mistake_that_one_process_meets_is_one_sentence(cases) -> None:
    _, told, errors = cases
    assert told["said"]["unreadable"] == "second.jpg is truncated." and not told["children"]["unreadable"]
    assert "Traceback" not in errors


def test_what_processes_cannot_share_is_refused(declare) -> None:
    compute = Compute("cpu", threads=1, workers=0, jobs=1, ranks=3)
    with pytest.raises(DataError, match="--ranks 3 divides every batch, and batch_size is 2"):
        check_ranks(declare(batch_size=2), compute)
    with pytest.raises(DataError, match="compile=True"):
        check_ranks(declare(compile=True), compute)
    check_ranks(declare(batch_size=3), compute)
