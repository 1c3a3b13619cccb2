"""Where does the time of a training batch go? python -m benchmarks.phases [--models tiny ...] [--threads 2]

This project's epoch (benchmarks.ours) beside its floor (benchmarks.floors.channels_last), each in a process of its own,
in turn: milliseconds a batch in the network's forward and backward passes, in the optimizer's step, in making the
batch, in bringing it to the network, in losses and F1. The rest is the loops themselves and what a loader costs once.
Calls are timed by wrapping them, so each costs a microsecond more; medians over rounds, the first does not count.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW
from torch.utils.data.dataloader import _SingleProcessDataLoaderIter

from benchmarks import floors, ours
from benchmarks.apart import own_process
from benchmarks.epoch import IMAGES
from benchmarks.machine import machine
from benchmarks.photos import write_photos
from benchmarks.rounds import Cost
from benchmarks.workload import NETWORKS, Workload, first_images
from callbacks.criterion import CriterionCallback
from callbacks.f1 import F1Callback
from data.reading import read_data
from runners.allocator import keep_freed_memory
from runners.models import ImageClassifier

Calls = Mapping[str, tuple[type | ModuleType, str]]  # phase: a class or module and the name of its function
Milliseconds = dict[str, float]  # a batch
BATCH = 64
MAKE, PIXELS, STEP = "make the batch", "uint8 to pixels", "step"
FORWARD, BACKWARD = "network, forward", "network, backward"
PHASES = (MAKE, PIXELS, FORWARD, "losses", "F1", BACKWARD, STEP, "the rest")


@contextmanager
def clocked(calls: Calls) -> Iterator[Milliseconds]:
    """Milliseconds spent in each of the calls inside the block, as far as they train; one inside another is its own."""
    spent, under_way = dict.fromkeys(calls, 0.0), list[str]()
    kept = [(owner, name, getattr(owner, name)) for owner, name in calls.values()]
    for phase, (owner, name, method) in zip(calls, kept, strict=True):
        setattr(owner, name, _clocked(method, phase, spent, under_way))
    try:
        yield spent
    finally:
        for owner, name, method in kept:
            setattr(owner, name, method)


def _clocked(
    method: Callable[..., Any], phase: str, spent: Milliseconds, under_way: list[str]
) -> Callable[..., Any]:
    @wraps(method)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if not torch.is_grad_enabled():
            return method(*arguments, **keywords)
        under_way.append(phase)
        started = perf_counter()
        try:
            return method(*arguments, **keywords)
        finally:
            took = 1000 * (perf_counter() - started)
            under_way.pop()
            spent[phase] += took
            if under_way:
                spent[under_way[-1]] -= took

    return call


def phases(work: Workload, turn: Callable[[], Cost], calls: Calls) -> Milliseconds:
    """What a batch of a turn spends where."""
    with clocked(calls) as spent:
        whole = 1000 * turn().wall
    spent["the rest"] = whole - sum(spent.values())
    return {phase: value * work.batch_size / len(work.train) for phase, value in spent.items()}


def floor(work: Workload) -> Callable[[], Milliseconds]:
    """A turn of the floor."""
    calls = of_network(work) | {"losses": (nn.CrossEntropyLoss, "forward")}
    return partial(phases, work, floors.channels_last(work), calls)


def project(work: Workload) -> Callable[[], Milliseconds]:
    """A turn of this project."""
    keep_freed_memory()
    calls = of_network(work) | {
        MAKE: (_SingleProcessDataLoaderIter, "__next__"),
        PIXELS: (ImageClassifier, "forward"),
        "losses": (CriterionCallback, "on_batch_end"),
        "F1": (F1Callback, "on_batch_end"),
    }
    return partial(phases, work, lambda: ours.train(work, 0, 1)[0].cost, calls)


def of_network(work: Workload) -> dict[str, tuple[type | ModuleType, str]]:
    """The calls that are the network's own, and the step."""
    return {
        FORWARD: (type(work.make_network()), "forward"),
        BACKWARD: (torch.Tensor, "backward"),
        STEP: (AdamW, "step"),
    }


def table(of_floor: Sequence[Milliseconds], of_project: Sequence[Milliseconds]) -> list[str]:
    """A row a phase, and their sums round by round."""
    both = [[{"in all": sum(found.values()), **found} for found in turns] for turns in (of_floor, of_project)]
    lines = []
    for phase in (*PHASES, "in all"):
        one, other = (statistics.median(found.get(phase, 0.0) for found in each) for each in both)
        lines.append(f"{phase:<34}{one:>9.2f}{other:>14.2f}{other - one:>12.2f}")
    return lines


def _round(turns: Sequence[Callable[[], Milliseconds]], number: int) -> list[Milliseconds]:
    """Both, in turns the one first and the other."""
    order = range(len(turns))[:: -1 if number % 2 else 1]
    found = {place: turns[place]() for place in order}
    return [found[place] for place in range(len(turns))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a network and number of threads."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.phases", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=["tiny", "mobilenetv3_small_050"])
    parser.add_argument("--images", type=int, help=f"whole batches of {BATCH}; default: {IMAGES}")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args(arguments)
    images = {name: chosen.images or IMAGES[name] for name in chosen.models}
    if any(count % BATCH for count in images.values()):
        parser.error(f"--images: whole batches of {BATCH} would be right")
    with tempfile.TemporaryDirectory() as folder:
        data = read_data(write_photos(Path(folder) / "photos", max(images.values()) + BATCH))
        for name, threads in ((name, threads) for name in chosen.models for threads in chosen.threads):
            torch.set_num_threads(threads)
            work = first_images(data, NETWORKS[name], images[name], BATCH, Path(folder) / name)
            with ExitStack() as stack:
                turns = [stack.enter_context(own_process(partial(make, work))) for make in (floor, project)]
                found = [_round(turns, number) for number in range(1 + chosen.rounds)][1:]
            title = f"{name}, threads {threads}"
            print(f"{title:<34}{'floor ms':>9}{'this project':>14}{'difference':>12}")
            print(*table([one for one, _ in found], [other for _, other in found]), sep="\n", end="\n\n", flush=True)
    print(f"milliseconds a batch of {BATCH}; medians of {chosen.rounds} rounds, of each row by itself")
    print(machine())


if __name__ == "__main__":
    main()
