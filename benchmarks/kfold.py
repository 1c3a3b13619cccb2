"""A whole k-fold run, from images on disk to every fold's score: this project against the trainers people pick.

`python -m benchmarks.kfold [--images N] [--epochs E] [--rounds R] [--peers timm ...] [--data PATH]`

This project decodes into its cache, which is not there yet, and trains folds in parallel; its predictions, out-of-fold
scores and files are counted too. A peer trains one fold after the other, each in its ordinary form: worker processes
that decode, and as many threads of torch as there are cores. Each runs in a process of its own; its imports are not
counted, but shown. Decodes are counted as they happen.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.epoch import OURS, PEERS
from benchmarks.kfold_run import Report, Task
from benchmarks.machine import machine
from benchmarks.photos import write_photos
from benchmarks.rounds import Cost, Rounds, take_turns, timed
from benchmarks.workload import NETWORKS
from data.reading import read_data

GOAL = 2.5  # a peer / ours, for mobilenetv3_small_050
Measure = Callable[[str, Task, Path], Report]


def in_own_process(name: str, task: Task, folder: Path) -> Report:
    """A contestant's report, from a process that was started for it."""
    report = folder / "report.json"
    options = {
        "report": report, "folder": folder, "data": task.data, "model": task.network.name, "batch": task.batch_size,
        "epochs": task.epochs, "folds": task.folds, "workers": task.workers,
    }  # fmt: skip
    words = [f"--{option}={value}" for option, value in options.items()]
    subprocess.run([sys.executable, "-m", "benchmarks.kfold_run", name, *words], check=True)  # noqa: S603 - our own
    return Report(**json.loads(report.read_text()))


def compete(
    task: Task, peers: Sequence[str], rounds: int, measure: Measure = in_own_process
) -> tuple[Rounds, dict[str, list[Report]], dict[str, list[float]]]:
    """What each run cost and reported in each round, and its wall seconds with everything around it."""
    reports: dict[str, list[Report]] = {name: [] for name in (OURS, *peers)}
    whole: dict[str, list[float]] = {name: [] for name in reports}

    def turn(name: str) -> Cost:
        with tempfile.TemporaryDirectory() as folder, timed() as cost:
            report = measure(name, task, Path(folder))
        reports[name].append(report)
        whole[name].append(cost.wall)
        return Cost(report.wall, report.cpu)

    found = take_turns({name: partial(turn, name) for name in reports}, rounds, warm_ups=0)
    return found, reports, whole


def table(task: Task, found: Rounds, reports: dict[str, list[Report]], whole: dict[str, list[float]]) -> str:
    """A row a contestant, 100 columns at most."""
    lines = [
        f"{'':21}{'wall s':>9}{'CPU s':>9}{'/ ours':>8}{'CPU':>7}{'imports':>9}{'decodes':>9}{'F1':>8}  goal",
    ]
    for name in reports:
        imports = statistics.median(
            total - cost.wall for total, cost in zip(whole[name], found.costs[name], strict=True)
        )
        f1 = statistics.mean(score for report in reports[name] for score in report.f1)
        goal = f"  >={GOAL}" if name != OURS and task.network.name == "mobilenetv3_small_050" else ""
        lines.append(
            f"{name:21}{found.wall(name):>9.2f}{found.cpu(name):>9.2f}{found.ratio(name, OURS):>8.2f}"
            f"{found.cpu_ratio(name, OURS):>7.2f}{imports:>9.2f}{reports[name][0].decodes:>9,}{f1:>8.3f}{goal}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None, measure: Measure = in_own_process) -> None:
    """Print the table; `measure` runs one contestant."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kfold", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=NETWORKS, default="mobilenetv3_small_050")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--images", type=int, default=560, help="80 persons: whole batches of 64 in every fold")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="processes of a peer's loader")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--data", type=Path, help="photographs of your own, in place of --images drawn ones")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        data = chosen.data or write_photos(Path(folder), chosen.images)
        network = NETWORKS[chosen.model]
        task = Task(data, network, chosen.batch, chosen.epochs, chosen.folds, chosen.workers)
        images = len(read_data(data).train)
        height, width = network.size
        print(
            f"{network.name}, {images:,} images of {height}x{width}, batches of {task.batch_size}\n"
            f"{task.folds} folds x {task.epochs} epochs x {images:,} images = "
            f"{task.folds * task.epochs * images:,} to look at",
            flush=True,
        )
        print(table(task, *compete(task, chosen.peers, chosen.rounds, measure)))
    print(
        "wall and CPU seconds (those of worker processes included) without imports, which come on top\n"
        "/ ours, CPU: to this project's, medians of pairs within a round; decodes: counted as they happened\n"
        "F1: macro, mean over folds; after so few epochs no more than a sign that something is learnt"
    )
    print(machine())


if __name__ == "__main__":
    main()
