"""One contestant's k-fold run, in a process of its own: from the images on disk to every fold's score.

This project runs an experiment as its command line does: a cache made on the way, folds in parallel, predictions and
out-of-fold scores. A peer trains one fold after the other with its loaders' workers and as many threads as torch takes.
Both get the same folds, train as many epochs and validate after each.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from os import devnull
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
from rich.console import Console

from benchmarks import ours
from benchmarks.epoch import OURS, PEERS, find_peer
from benchmarks.rounds import timed
from benchmarks.workload import NETWORKS, Network, Train, Workload
from data.cache_build import GIB, CacheSettings
from data.reading import read_data
from data.splits import PersonStratifiedKFold
from runners.compute import available_cores
from runners.compute_choice import choose_compute
from runners.main import run_experiment
from runners.models import import_timm
from runners.state import read_json
from runners.workspace import Workspace

NAME = "side_by_side"  # of this project's experiment


@dataclass(frozen=True)
class Task:
    """What is run."""

    data: Path
    network: Network
    batch_size: int
    epochs: int
    folds: int
    workers: int  # processes of a peer's loader


@dataclass(frozen=True)
class Report:
    """What a run took and came to."""

    wall: float
    cpu: float
    decodes: int  # times that an image's file was opened to be decoded
    f1: list[float]  # of each fold: the last epoch's, and of this project the best epoch's


def run_ours(task: Task, folder: Path) -> list[float]:
    """This project's run."""
    experiment = ours.declare(NAME, task.network, task.batch_size, task.epochs, task.folds)
    source = folder / f"{NAME}.py"
    source.write_text('"""How long does a k-fold run take?"""\n')
    compute = choose_compute("cpu", jobs=None, threads=None, workers=0)
    cache = CacheSettings(folder / "cache", 20 * GIB, available_cores())
    with open(devnull, "w") as nowhere:
        console = Console(file=nowhere)
        workspace = Workspace(task.data, folder / "runs", compute, cache, False, console)
        run = run_experiment(experiment, source, workspace)
    return [float(fold["f1"]) for fold in read_json(run.scores)["folds"]]


def run_peer(train: Train, task: Task, folder: Path) -> list[float]:
    """A peer's run."""
    data = read_data(task.data)
    folds = PersonStratifiedKFold(folds=task.folds).assign(data.train, seed=0)
    scores = []
    for fold in range(task.folds):
        trained, validated = (np.flatnonzero(chosen).tolist() for chosen in (folds != fold, folds == fold))
        work = Workload(data, trained, validated, task.network, task.batch_size, folder / f"fold_{fold}")
        scores.append(train(work, task.workers, task.epochs)[-1].valid_f1)
    return scores


@contextmanager
def decodes_counted() -> Iterator[Callable[[], int]]:
    """How often a file was opened by one of the functions that images are decoded with, in any forked process."""
    opened = get_context("fork").Value("q", 0)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            with opened.get_lock():
                opened.value += 1
            return function(*arguments, **keywords)

        return call

    imread, open_image = cv2.imread, PIL.Image.open
    cv2.imread, PIL.Image.open = counted(imread), counted(open_image)
    try:
        yield lambda: opened.value
    finally:
        cv2.imread, PIL.Image.open = imread, open_image


def measure(name: str, task: Task, folder: Path) -> Report:
    """Run one contestant; what it imports beforehand is not counted."""
    train = None if name == OURS else find_peer(name)
    import_timm()  # of which all take the network
    with decodes_counted() as decodes:
        with timed() as cost:
            f1 = run_peer(train, task, folder) if train else run_ours(task, folder)
        return Report(cost.wall, cost.cpu, decodes(), f1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one contestant and write its report; benchmarks.kfold starts this."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kfold_run", description=__doc__)
    parser.add_argument("name", choices=[OURS, *PEERS])
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", choices=NETWORKS, required=True)
    for option in ("batch", "epochs", "folds", "workers"):
        parser.add_argument(f"--{option}", type=int, required=True)
    given = parser.parse_args(arguments)
    task = Task(given.data, NETWORKS[given.model], given.batch, given.epochs, given.folds, given.workers)
    given.report.write_text(json.dumps(asdict(measure(given.name, task, given.folder))))


if __name__ == "__main__":
    main()
