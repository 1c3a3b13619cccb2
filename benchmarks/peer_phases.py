"""Where does the time of a peer's epoch go? python -m benchmarks.peer_phases [--models resnet18 ...] [--peers timm ...]

The trainers of benchmarks.epoch with the same images and no worker processes, so that all of an epoch happens where it
can be timed: milliseconds a batch in decoding files, in making batches (opening files, transforms, collating), in the
network's forward and backward passes, in the optimizer's step. The rest is the loop, losses, F1, setting up, and the
normalising of whole batches (timm, this project). One thread, each in a process of its own, in turn.

As in benchmarks.epoch a turn is a fit of its own: networks and the optimizer's memory are made anew in it, where the
floors keep theirs. One image is validated: to read it counts as training's where it is read with gradients on.

With worker processes and cores for them an epoch takes no less than all of this divided by the cores, and no less than
what stays with the network: forward, backward, step and rest.
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
from benchmarks.epoch import CHANNELS_LAST, EAGER, IMAGES, OURS, PEERS, find_peer
from benchmarks.machine import machine
from benchmarks.phases import BACKWARD, BATCH, FORWARD, MAKE, STEP, Calls, Milliseconds, of_network, phases, project
from benchmarks.photos import write_photos
from benchmarks.rounds import Cost
from benchmarks.workload import NETWORKS, Train, Workload
from data.reading import read_data

READ = "decode files"
PHASES = (READ, MAKE, FORWARD, BACKWARD, STEP)
HEADINGS = ("decode", "batches", "forward", "backward", "step", "rest", "in all", "network")


def peer(work: Workload, name: str) -> Callable[[], Milliseconds]:
    """A turn of a peer: an epoch, and a validation of one image."""
    train = find_peer(name)
    reads = (ImageFile.ImageFile, "load") if name.startswith("timm") else (cv2, "imread")
    made = (_SingleProcessDataLoaderIter, "__next__")
    calls = {**of_network(work), **inside_step(name), READ: reads, MAKE: made}
    return partial(phases, work, partial(_epoch, train, work), calls)


def inside_step(name: str) -> Calls:
    """What a framework does within the optimizer's step, to which it gives all of a batch's training as a closure."""
    if name == "Lightning":
        from lightning.pytorch.loops.optimization.automatic import Closure

        return {"closure": (Closure, "closure")}
    if name == "skorch":
        from skorch import NeuralNet

        calls = ("train_step_single", "_zero_grad_optimizer", "notify")
        return {call: (NeuralNet, call) for call in calls}
    return {}


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
        found: dict[str, list[Milliseconds]] = {name: [] for name in turns}
        for number in range(1 + rounds):
            for name in list(turns)[:: -1 if number % 2 else 1]:
                found[name].append(turns[name]())
    return {name: those[1:] for name, those in found.items()}


def table(found: dict[str, list[Milliseconds]]) -> list[str]:
    """A row a contestant, medians over rounds; in its last column what part of it the network is."""
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
            rows = list(range(images[name] + 1))
            work = Workload(data, rows[:-1], rows[-1:], NETWORKS[name], BATCH, Path(folder) / name)
            print(f"{name:21}" + "".join(f"{heading:>9}" for heading in HEADINGS))
            print(*table(measure(work, chosen.peers, chosen.rounds)), sep="\n", end="\n\n", flush=True)
    print(f"milliseconds a batch of {BATCH}, one thread, no worker processes; medians of {chosen.rounds} rounds")
    print("network: forward and backward passes, as a part of the row")
    print(machine())


if __name__ == "__main__":
    main()
