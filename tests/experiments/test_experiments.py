import ast
import importlib
import json
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from benchmarks.simulated_runs import write_run
from data.cache_build import CacheSettings
from data.reading import read_data
from data.splits import PersonHoldout, PersonStratifiedKFold
from data.synthetic import write_sample
from runners.compute import Compute
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.question import question
from runners.run_folder import RunFolder
from runners.search.module_variant import variant
from runners.search.search_space import check_space
from runners.workspace import Workspace

FOLDER = Path(__file__).parents[2] / "experiments"
MODULES = sorted(path for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def declared(path: Path) -> Experiment:
    return importlib.import_module(f"experiments.{path.stem}").EXPERIMENT


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_experiment_says_what_it_is(path: Path) -> None:
    experiment = declared(path)
    assert experiment.name == path.stem
    record = json.loads(json.dumps(experiment.record()))
    assert json.loads(json.dumps(type(experiment).from_record(record).record())) == record
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert question(path).endswith("?"), "its docstring opens with the question it asks"
    for heading in ("Copied from:", "Command:", "Result:"):
        assert heading in docstring
    assert f"python -m experiments.{path.stem}" in docstring
    assert experiment.parent is None or (FOLDER / f"{experiment.parent}.py").exists()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_experiment_trains_a_batch_and_hands_in(
    path: Path, competition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write_matched_split(competition)            # for the experiment that validates on what `match` wrote
    _write_sources(competition, path.stem)
    console = Console(width=100, file=open(os.devnull, "w"))
    compute, cache = Compute(device="cpu", threads=1, workers=0, jobs=1), CacheSettings(tmp_path, 0, 1)
    experiment = declared(path)
    if experiment.split.func is PersonStratifiedKFold:
        experiment = replace(experiment, split=partial(PersonStratifiedKFold, folds=2))  # five say no more
    with torch.compiler.set_stance("force_eager"):  # machine code for one batch takes a minute
        workspace = Workspace(competition, tmp_path, compute, cache, True, console)
        run = run_experiment(experiment, path, workspace)
    assert run.finished and run.submission.exists()


def _write_matched_split(competition: Path) -> None:
    table = read_data(competition).train
    Path("splits").mkdir()
    folds = PersonHoldout(valid_fraction=0.3).assign(table, seed=0)
    table.assign(fold=folds)[["image_id", "path", "person", "target", "fold"]].to_csv("splits/matched.csv", index=False)


def _write_sources(competition: Path, experiment: str) -> None:
    """The baseline's finished run, the images and the corrections that some experiments take something from."""
    if experiment == "corrected_labels":
        Path("data").mkdir()
        shutil.copy(FOLDER.parent / "data/mask_corrections.csv", "data")
    if experiment == "external_images":
        write_sample(Path("input/external"), train_persons=2, eval_persons=1, size=(64, 48), seed=5)
    if experiment in ("pseudo_labels", "pseudo_soft", "final_fit"):
        data = read_data(competition)
        folds = PersonStratifiedKFold(folds=2).assign(data.train, seed=42)
        even = np.full((2, len(data.train) + len(data.test), 18), 1 / 18, np.float32)
        run = RunFolder(Path("runs/baseline/20261101-120000-0123456789"))
        write_run(run, data, folds, even[0, : len(data.train)], even[:, len(data.train) :])


def test_the_five_experiments_of_the_first_screen_are_there() -> None:
    names = {path.stem for path in MODULES}
    assert {"smoke", "baseline", "focal_kfold", "label_smoothing", "criterion_switch", "pretrained_kfold"} <= names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_is_marked_for_a_search_is_there(path: Path) -> None:
    space = getattr(importlib.import_module(f"experiments.{path.stem}"), "SEARCH", None)
    if space is not None:
        check_space(declared(path), space)
        docstring = '"""A?\n"""'.strip('"')
        text = variant(path, "tuned", path.stem, {name: 0.5 for name in space}, docstring)
        assert "SEARCH" not in text and text.count("0.5") >= len(space)
