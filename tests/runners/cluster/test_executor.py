"""A real cluster: two raylets on this machine."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from rich.console import Console
from same_results import assert_same_results

from data.cache_build import CacheSettings
from runners.cluster.storage import Mark
from runners.environment import Compute, Executor
from runners.kfold import execute
from runners.opened_run import opened_run
from runners.run_folder import RunFolder

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)


class Shown:
    """What a run says, and what is done when it says something."""

    def __init__(self, heard: Callable[[list[str]], None] = lambda lines: None) -> None:
        self.lines: list[str] = []
        self.batches = 0
        self.heard = heard

    def line(self, text: str) -> None:
        self.lines.append(text)
        self.heard(self.lines)

    def advance(self, batches: int, description: str) -> None:
        self.batches += batches


@pytest.fixture
def make(tmp_path: Path, competition: Path):
    """Makes a run in runs/<where>, relative to the folder of the test; returns its folder and what was shown."""

    def run(experiment, where: str, compute: Compute, shown: Shown | None = None, limit: int = 0):
        shown = shown or Shown()
        source = tmp_path / "tiny.py"
        source.write_text('"""Does it run?"""\n')
        cache = CacheSettings(tmp_path / "cache", limit=limit, processes=1)
        console = Console(width=80, file=open(os.devnull, "w"))
        runs = Path(os.path.relpath(tmp_path / where))
        with opened_run(experiment, source, competition, runs, compute, cache, False, console) as opened:
            execute(opened.folds, shown)
            opened.finish(shown)
        return RunFolder(opened.folder.root.absolute()), shown

    return run


def test_a_cluster_makes_the_same_bits_as_one_process(make, declare, connected, monkeypatch) -> None:
    """On shared storage, and where a node that sees neither run nor data is sent what it needs."""
    assert connected == Compute("cpu", threads=1, workers=0, jobs=2, executor=Executor.ray)
    alone, said = make(declare(), "alone", CPU)
    together, told = make(declare(), "together", connected)
    monkeypatch.setattr("runners.cluster.executor.marked", lambda root: nullcontext(Mark(root / "nowhere", "text")))
    sent, of_it = make(declare(), "sent", connected)
    cached, _ = make(declare(), "cached", connected, limit=10**9)
    assert_same_results(alone, together)
    assert_same_results(alone, sent)
    assert_same_results(alone, cached)
    assert told.batches == said.batches and len(told.lines) == len(said.lines)
    assert not list(together.root.glob(".storage-*")), "nothing is left of the mark"
    assert len([line for line in of_it.lines if "does not see the run's folder" in line]) == 2


def test_a_node_that_dies_costs_an_epoch_at_most(make, declare, cluster, connected) -> None:
    experiment = declare(epochs=6, patience=6)
    alone, _ = make(experiment, "alone", CPU)
    killed = []

    def kill(lines: list[str]) -> None:
        begun = {line.split("epoch")[0] for line in lines if "epoch" in line}
        if len(begun) == 2 and not killed:  # a fold on each node, and each has an epoch
            killed.append(cluster.worker_nodes)
            (node,) = cluster.worker_nodes
            node.kill_raylet()

    together, told = make(experiment, "together", connected, Shown(kill))
    assert_same_results(alone, together)
    (lost,) = [line for line in told.lines if "its worker was lost" in line]
    fold, _, epochs = lost.partition(": its worker was lost ")
    assert killed and int(epochs.rpartition(" ")[2]) >= 1
    assert len([line for line in told.lines if line.startswith(f"{fold}  epoch 1/6")]) == 1, "it is not begun anew"
