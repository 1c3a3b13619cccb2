"""Experiments that share the slots of one executor."""

import os
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from same_results import assert_same_results
from torch.optim import SGD

from data.cache_build import CacheSettings
from runners.compute import Compute
from runners.queue import run_queue
from runners.run_folder import list_runs
from runners.workspace import Workspace


@pytest.fixture
def queue(tmp_path: Path, competition: Path):
    """Runs experiments in a queue; returns the names of those that failed, and what was printed."""

    def start(*experiments, jobs: int, cores: int = 0) -> tuple[list[str], str]:
        for experiment in experiments:
            (tmp_path / f"{experiment.name}.py").write_text(f'"""Is {experiment.name} run?"""\n')
        console = Console(width=100, record=True, file=open(os.devnull, "w"))
        sources = [(experiment, tmp_path / f"{experiment.name}.py") for experiment in experiments]
        compute = Compute("cpu", threads=1, workers=0, jobs=jobs, cores=cores)
        cache = CacheSettings(tmp_path / "cache", 0, 1)
        workspace = Workspace(competition, tmp_path / "queue", compute, cache, False, console)
        failed = run_queue(sources, workspace)
        return failed, console.export_text()

    return start


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_fails_is_said_and_the_others_go_on(queue, run, declare, tmp_path: Path, capfd, jobs: int) -> None:
    explodes = declare(name="explodes", optimizer=partial(SGD, lr=1e30), clip_norm=None, accumulate=1, criterion="ce")
    nowhere = declare(name="nowhere", corrections="nowhere.csv")
    failed, printed = queue(explodes, nowhere, declare(), jobs=jobs)
    assert failed == ["nowhere", "explodes"]
    said = capfd.readouterr().err
    assert "error: nowhere: nowhere.csv" in said and "error: explodes: The training loss was NaN" in said
    assert said.count("error: ") == 2
    assert "tiny fold 2/2  epoch 3/3" in printed and "out-of-fold  F1" in printed
    alone, _ = run(declare())
    assert_same_results(alone, list_runs(tmp_path / "queue", "tiny")[0])


def test_a_finished_one_is_shown_and_not_made_again(queue, declare, tmp_path: Path) -> None:
    quick = {"epochs": 1, "criterion": "ce", "scheduler": None}
    queue(declare(**quick), jobs=2)
    failed, printed = queue(declare(**quick), declare(name="second", **quick), jobs=2)
    assert not failed and "(finished)" in printed and printed.count("out-of-fold  F1") == 2
    assert "tiny fold" not in printed and "second fold 1/2" in printed


def test_a_fold_in_a_queue_has_one_core_since_others_follow(queue, declare) -> None:
    _, printed = queue(declare(epochs=1, criterion="ce", scheduler=None), jobs=4, cores=4)
    assert "folds at a time 4, each with threads 1" in printed, "alone, two folds would have two cores each"
