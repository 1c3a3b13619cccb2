"""Runs whose weights are averaged, computed in bfloat16 or compiled: what predicts, and what a kill leaves."""

import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn
from torch._dynamo.utils import counters

import runners.compilation
import runners.fold_loaders
from callbacks.average import EMA, SWA
from callbacks.soup import GreedySoup
from data.cache_build import CacheSettings
from data.errors import DataError
from data.images import decode_rgb
from data.reading import read_data
from data.splits import PersonHoldout
from runners.compute import Compute
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_checkpoint
from runners.views import identity
from runners.workspace import Workspace

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
RESULTS = ("oof.npz", "scores.json", "submission.csv", "fold_0/best.pth", "fold_0/metrics.csv")


@pytest.fixture
def run(tmp_path: Path, competition: Path):
    """Runs an experiment on the small competition into `runs`; returns its folder and what was printed."""
    source = tmp_path / "tiny.py"
    source.write_text('"""Does it run?"""\n')

    def start(experiment: Experiment, runs: str = "runs", compute: Compute = CPU) -> tuple[RunFolder, str]:
        console = Console(width=80, record=True, file=open(os.devnull, "w"))
        cache = CacheSettings(tmp_path / "cache", 0, 1)
        workspace = Workspace(competition, tmp_path / runs, compute, cache, False, console)
        folder = run_experiment(experiment, source, workspace)
        return folder, console.export_text()

    return start


@pytest.fixture
def small(declare):
    """One fold of two epochs, predicted without further views; keywords replace fields."""

    def experiment(**changes: object) -> Experiment:
        split = partial(PersonHoldout, valid_fraction=0.3)
        return declare(**{"epochs": 2, "criterion": "ce", "split": split, "tta": (identity,), **changes})

    return experiment


class Killed(BaseException):
    """Ends a run at once, as a signal does: nobody catches it."""


def kill_before(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """End the run just before it writes a file of this name for the given time, counted from 1."""
    replace, seen = os.replace, []

    def count(source: object, target: object) -> None:
        seen.extend([1] if Path(str(target)).name == name else [])
        if len(seen) == times:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(os, "replace", count)


def predicted_by_best(folder: RunFolder, experiment: Experiment, competition: Path) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold probabilities on disk, and those that best.pth gives to the first four images of the fold."""
    data, oof = read_data(competition), read_arrays(folder.oof)
    model, transform = experiment.model(num_classes=18), experiment.valid_transform()
    model.load_state_dict(read_checkpoint(folder.fold(0).best)["model"])
    paths = data.train.set_index("image_id").loc[oof["image_ids"][:4], "path"]
    images = [transform(decode_rgb(data.root / path, min_size=transform.size), (0,)) for path in paths]
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(np.stack(images))).softmax(1).numpy()
    return oof["probabilities"][:4], expected


AVERAGES = {
    "ema": partial(EMA, decay=0.5, warmup=10),
    "swa": partial(SWA, start=1),
    "soup": partial(GreedySoup, epochs=2),
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averaged_weights_predict_and_a_killed_run_ends_with_the_same_bits(
    run, small, competition: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    experiment = small(average=AVERAGES[name])
    whole, printed = run(experiment)
    ours, expected = predicted_by_best(whole, experiment, competition)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    best, live = read_checkpoint(whole.fold(0).best), read_checkpoint(whole.fold(0).state)["model"]
    if name == "soup":
        (line,) = re.findall(r"soup of epochs .* f1 after each", printed)
        assert best["soup"]["epochs"][0] == best["metrics"]["epoch"] and f"epochs {best['metrics']['epoch']} (" in line
    else:
        assert not all(torch.equal(best["model"][name], live[name]) for name in live)
    for file, times in (("state.pth", 2), ("predictions.npz", 1)):  # between epochs, and after the soup is made
        with monkeypatch.context() as patch:
            kill_before(patch, file, times)
            with pytest.raises(Killed):
                run(experiment, f"killed_{file}")
        continued, _ = run(experiment, f"killed_{file}")
        assert [one for one in RESULTS if (whole.root / one).read_bytes() != (continued.root / one).read_bytes()] == []


def test_half_precision_compiled_and_averaged_together_resume_with_the_same_bits(
    run, small, competition: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners.compilation, "BACKEND", "eager")
    experiment = small(average=AVERAGES["ema"], precision="bf16", compile=True)
    predicting, predict = [], runners.fold_loaders.predict

    def watched(models: list[nn.Module], *rest: object) -> np.ndarray:
        predicting.extend(model._compiled_call_impl for model in models)
        return predict(models, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(runners.fold_loaders, "predict", watched)
        before = counters["stats"]["unique_graphs"]
        whole, _ = run(experiment)
    assert counters["stats"]["unique_graphs"] > before and predicting == [None, None], "compiled for training only"
    ours, expected = predicted_by_best(whole, experiment, competition)
    np.testing.assert_allclose(ours, expected, atol=1e-5)  # in float32: half of it would differ by 1e-3
    weights = read_checkpoint(whole.fold(0).best)["model"]
    assert list(weights) == list(experiment.model(num_classes=18).state_dict())
    assert {values.dtype for values in weights.values()} == {torch.float32, torch.int64}
    with monkeypatch.context() as patch:
        kill_before(patch, "state.pth", 2)
        with pytest.raises(Killed):
            run(experiment, "killed")
    continued, _ = run(experiment, "killed")
    assert [one for one in RESULTS if (whole.root / one).read_bytes() != (continued.root / one).read_bytes()] == []


def test_precision_changes_what_is_trained(run, small) -> None:
    exact, half = (run(small(precision=precision))[0].fold(0).metrics.read_text() for precision in ("no", "bf16"))
    assert exact != half


def test_fp16_on_a_processor_is_refused_before_a_run_is_begun(run, small, tmp_path: Path) -> None:
    with pytest.raises(DataError, match='precision is "fp16" and the device is the CPU'):
        run(small(precision="fp16"))
    assert not (tmp_path / "runs").exists()
