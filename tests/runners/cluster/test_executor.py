"""A real cluster: two raylets on this machine."""

import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from same_results import assert_same_results
from torch.optim import SGD

from data.cache_build import CacheSettings
from data.errors import DataError
from runners.cluster.storage import Mark
from runners.compute import Compute, Executor
from runners.fold_rows import Fold
from runners.kfold import execute
from runners.opened_run import opened_run
from runners.run_folder import RunFolder
from runners.state import TEMPORARY
from runners.workspace import Workspace

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
        workspace = Workspace(competition, runs, compute, cache, False, console)
        with opened_run(experiment, source, workspace) as opened:
            execute(opened.folds, shown)
            opened.finish(shown)
        return RunFolder(opened.folder.root.absolute()), shown

    return run


def unseen_mark(fold: Fold):
    return nullcontext(Mark(fold.folder.root.parent / "nowhere", "text", ""))


def test_a_cluster_makes_the_same_bits_as_one_process(
    make, declare, connected, monkeypatch, tmp_path: Path
) -> None:
    """As processes beside each other do: on shared storage, and where a node that sees none of it is sent all."""
    assert connected == Compute("cpu", threads=1, workers=0, jobs=2, executor=Executor.ray)
    alone, said = make(declare(), "alone", CPU)
    beside, _ = make(declare(), "beside", replace(CPU, jobs=2))
    together, told = make(declare(), "together", connected)
    monkeypatch.setattr("runners.cluster.executor.marked", unseen_mark)

    def leave_rubbish(lines: list[str]) -> None:
        """As a command that was killed while it wrote what a node had sent."""
        if "does not see the run's folder" in lines[-1]:
            (run,) = tmp_path.glob("sent/tiny/*-*")
            folder = run / f"fold_{int(lines[-1][len('fold ')]) - 1}"
            folder.mkdir()
            (folder / f".state.pth.killed{TEMPORARY}").write_bytes(b"half")

    sent, of_it = make(declare(), "sent", connected, Shown(leave_rubbish))
    cached, _ = make(declare(), "cached", connected, limit=10**9)
    for other in (beside, together, sent, cached):
        assert_same_results(alone, other)
    assert told.batches == said.batches and len(told.lines) == len(said.lines)
    assert not list(together.root.glob(".storage-*")), "nothing is left of the mark"
    assert len([line for line in of_it.lines if "does not see the run's folder" in line]) == 2


def test_a_mistake_is_its_sentence_and_is_not_tried_again(make, declare, connected) -> None:
    shown = Shown()
    explodes = {"optimizer": partial(SGD, lr=1e30), "clip_norm": None, "accumulate": 1, "criterion": "ce"}
    with pytest.raises(DataError, match="^The training loss was NaN or infinite in 5 batches"):
        make(declare(**explodes), "explodes", connected, shown)
    assert not [line for line in shown.lines if "lost" in line]


def raylet_of(fold: Path) -> int:
    """The process that started the one which holds a fold's lock: the raylet of its node."""
    status = Path(f"/proc/{fold.with_name(f'.{fold.name}.lock').read_text()}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


def test_a_node_that_dies_costs_an_epoch_at_most(make, declare, cluster, connected, tmp_path: Path) -> None:
    experiment = declare(epochs=8, patience=8)
    alone, _ = make(experiment, "alone", CPU)
    (node,) = cluster.worker_nodes
    (raylet,) = node.all_processes["raylet"]
    killed = []

    def kill(lines: list[str]) -> None:
        told = re.match(r"fold (\d)/2  epoch 2/8", lines[-1])
        if not told or killed:
            return
        (fold,) = tmp_path.glob(f"together/tiny/*/fold_{int(told[1]) - 1}")
        if raylet_of(fold) == raylet.process.pid:
            killed.append(told[1])
            (fold / f".state.pth.killed{TEMPORARY}").write_bytes(b"half")  # as a kill in the middle of a write does
            node.kill_raylet()

    together, told = make(experiment, "together", connected, Shown(kill))
    assert_same_results(alone, together)
    (lost,) = [line for line in told.lines if "its worker was lost" in line]
    assert lost.startswith(f"fold {killed[0]}/2") and int(lost.rpartition(" ")[2]) >= 2
    begun = [line for line in told.lines if line.startswith(f"fold {killed[0]}/2  epoch 1/8")]
    assert len(begun) == 1, "it is not begun anew"
