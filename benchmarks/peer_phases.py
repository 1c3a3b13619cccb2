"""Where does the time of a peer's epoch go? python -m benchmarks.peer_phases [--models resnet18 ...] [--peers timm ...]

The trainers of benchmarks.epoch with no worker processes, so that all of an epoch happens where it can be timed:
milliseconds a batch in reading and decoding files, in making batches of them, in the network's forward and backward
passes, in the optimizer's step. The rest is the framework's loop, losses and F1, and with timm normalising, which its
prefetcher does. Each in a process of its own, in turn; one thread. The floors stand beside: the network's share of all.

With worker processes and as many free cores an epoch takes what the slower side does: network, step and rest, or files
and batches divided among workers; never less than all of it divided by the cores.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import ImageFile
from torch.utils.data.dataloader import _SingleProcessDataLoaderIter

from benchmarks import floors
from benchmarks.apart import own_process
from benchmarks.epoch import CHANNELS_LAST, EAGER, OURS, PEERS, find_peer
from benchmarks.machine import machine
from benchmarks.phases import BACKWARD, BATCH, FORWARD, MAKE, STEP, Milliseconds, of_network, phases, project
from benchmarks.photos import write_photos
from benchmarks.rounds import Cost
from benchmarks.workload import NETWORKS, Train, Workload
from data.reading import read_data

IMAGES = {"tiny": 512, "mobilenetv3_small_050": 256, "resnet18": 128}
READ = "read files"
PHASES = (READ, MAKE, FORWARD, BACKWARD, STEP)
HEADINGS = ("read", "batches", "forward", "backward", "step", "rest", "in all", "network")


def peer(work: Workload, name: str) -> Callable[[], Milliseconds]:
    """A turn of a peer: an epoch, and a validation of one image."""
    train = find_peer(name)
    reads = (ImageFile.ImageFile, "load") if name.startswith("timm") else (cv2, "imread")
    calls = of_network(work) | {READ: reads, MAKE: (_SingleProcessDataLoaderIter, "__next__")}
    return partial(phases, work, partial(_epoch, train, work), calls)


def _epoch(train: Train, work: Workload) -> Cost:
    (epoch,) = train(work, 0, 1)
    return epoch.cost


def floor(work: Workload, make: Callable[[Workload], Callable[[], Cost]]) -> Callable[[], Milliseconds]:
    """A turn of a floor."""
    return partial(phases, work, make(work), of_network(work))


def measure(work: Workload, peers: Sequence[str], rounds: int) -> dict[str, list[Milliseconds]]:
    """What each spent where, in each round; a first turn does not count."""
    makers = {
        CHANNELS_LAST: partial(floor, work, floors.channels_last),
        EAGER: partial(floor, work, floors.eager),
        OURS: partial(project, work),
    } | {name: partial(peer, work, name) for name in peers}
    with ExitStack() as stack:
        turns = {name: stack.enter_context(own_process(make)) for name, make in makers.items()}
        found = [{name: turn() for name, turn in turns.items()} for _ in range(1 + rounds)][1:]
    return {name: [one[name] for one in found] for name in turns}


def table(found: dict[str, list[Milliseconds]]) -> list[str]:
    """A row a contestant, medians over rounds; its network's share, forward and backward, in the last column."""
    lines = []
    for name, turns in found.items():
        spent = np.array([[turn.get(phase, 0.0) for phase in PHASES] for turn in turns])  # (rounds, phases)
        whole = np.array([sum(turn.values()) for turn in turns])  # (rounds,)
        columns = np.column_stack([spent, whole - spent.sum(1), whole])
        share = (spent[:, PHASES.index(FORWARD)] + spent[:, PHASES.index(BACKWARD)]) / whole
        cells = "".join(f"{value:>9.2f}" for value in np.median(columns, axis=0))
        lines.append(f"{name:21}{cells}{np.median(share):>9.0%}")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a network; 100 columns at most."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peer_phases",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--images", type=int, help=f"whole batches of {BATCH}; default: {IMAGES}")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    images = {name: chosen.images or IMAGES[name] for name in chosen.models}
    if any(count % BATCH for count in images.values()):
        parser.error(f"--images: whole batches of {BATCH} would be right")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = read_data(write_photos(Path(folder) / "photos", max(images.values()) + 1))
        for name in chosen.models:
            rows = list(range(images[name] + 1))  # one to validate with: what reading it costs is counted as training's
            work = Workload(data, rows[:-1], rows[-1:], NETWORKS[name], BATCH, Path(folder) / name)
            print(f"{name:21}" + "".join(f"{heading:>9}" for heading in HEADINGS))
            print(*table(measure(work, chosen.peers, chosen.rounds)), sep="\n", end="\n\n", flush=True)
    print(f"milliseconds a batch of {BATCH}, one thread, no worker processes; medians of {chosen.rounds} rounds")
    print("network: its forward and backward passes' part of all")
    print(machine())


if __name__ == "__main__":
    main()
