"""One training epoch: this project against the trainers a competitor would pick, and all against the compute floor.

`python -m benchmarks.epoch [--models tiny ...] [--threads T] [--images N] [--rounds R] [--peers timm ...]`

Everybody trains the same network on the same JPEGs at the same size and batch, with mirror images, AdamW, cross entropy
and macro F1, on as many threads of torch, and validates afterwards; an epoch is timed from the first image asked for to
the last step and F1. Peers read their images with a DataLoader in its own process and with two worker processes: what
was faster in the warm-up counts. This project reads its cache, which was made before. Each contestant lives in a
process of its own, so that memory is kept or given back as in a run of it alone. They take turns; ratios are medians of
pairs within a round.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path

import torch

from benchmarks import floors, ours
from benchmarks.apart import own_process
from benchmarks.machine import machine
from benchmarks.photos import write_photos
from benchmarks.rounds import Contestant, Cost, Rounds, take_turns
from benchmarks.workload import NETWORKS, Train, Workload, first_images
from data.reading import read_data
from runners.allocator import keep_freed_memory

PEERS = {
    "PyTorch": "plain_torch.train",
    "Catalyst": "catalyst_documented.train",
    "ignite": "ignite.train",
    "Lightning": "lightning.train",
    "skorch": "skorch_net.train",
    "timm": "timm_loop.train",
    "timm --channels-last": "timm_loop.train_channels_last",
}
OURS, EAGER, CHANNELS_LAST = "this project", "floor, contiguous", "floor, channels_last"
WORKERS = (0, 2)
IMAGES = {"tiny": 1024, "mobilenetv3_small_050": 640, "resnet18": 128}
GOALS = {  # ours / channels_last floor, ours / contiguous floor (at most), a peer / ours (at least)
    "tiny": (1.15, None, 5.0),
    "mobilenetv3_small_050": (1.05, 0.65, 1.8),
    "resnet18": (1.05, 0.70, 1.3),
}


@dataclass
class Trainer:
    """A contestant that trains: every turn is a fit of one epoch, and costs what that took."""

    work: Workload
    train: Train
    workers: int = 0
    saving: list[Cost] = field(default_factory=list)

    def __call__(self) -> Cost:
        """One turn."""
        (epoch,) = self.train(self.work, self.workers, 1)
        self.saving.append(epoch.saving)
        return epoch.cost


def find_peer(name: str) -> Train:
    """The `train` of a peer; its framework is imported only now."""
    module, function = PEERS[name].split(".")
    train: Train = getattr(import_module(f"benchmarks.peers.{module}"), function)
    return train


def choose_workers(work: Workload, train: Train) -> Trainer:
    """The peer with as many worker processes as make it faster, once it has had a turn to get warm."""
    Trainer(work, train)()
    return min((Trainer(work, train, workers) for workers in WORKERS), key=lambda trainer: trainer().wall)


def compete(work: Workload, peers: Sequence[str], rounds: int) -> tuple[Rounds, Mapping[str, Trainer]]:
    """Floors, this project and peers, once a round; and who trained how."""
    with ExitStack() as stack:
        bounds: dict[str, Contestant] = {
            CHANNELS_LAST: stack.enter_context(own_process(partial(floors.channels_last, work))),
            EAGER: stack.enter_context(own_process(partial(floors.eager, work))),
        }
        trainers = {OURS: Trainer(work, stack.enter_context(own_process(_this_project)))}
        for name in peers:
            trainers[name] = choose_workers(work, stack.enter_context(own_process(partial(find_peer, name))))
        contestants: dict[str, Contestant] = {**bounds, **trainers}
        for name in (CHANNELS_LAST, EAGER, OURS):
            contestants[name]()  # peers have had their first turn
        return take_turns(contestants, rounds, warm_ups=0), trainers


def _this_project() -> Train:
    """Its training, in a process that keeps memory as that of a run does."""
    keep_freed_memory()
    return ours.train


def table(work: Workload, found: Rounds, trainers: Mapping[str, Trainer]) -> str:
    """A row a contestant, 100 columns at most."""
    own_floor, bound, ahead = GOALS[work.network.name]
    goals = dict.fromkeys(trainers, f">={ahead}") | {
        OURS: f"<={own_floor:.2f}" + (f", <={bound:.2f}" if bound else "")
    }
    height, width = work.network.size
    lines = [
        f"{work.network.name}, {len(work.train):,} images of {height}x{width}, batches of {work.batch_size}",
        f"{'':21}{'workers':>8}{'wall s':>9}{'CPU s':>8}{'/ ch.last':>11}{'/ contig.':>10}{'/ ours':>8}"
        f"{'CPU':>7}  goal",
    ]
    for name in found.costs:
        lines.append(
            f"{name:21}{trainers[name].workers if name in trainers else '':>8}"
            f"{found.wall(name):>9.3f}{found.cpu(name):>8.3f}"
            f"{found.ratio(name, CHANNELS_LAST):>11.2f}{found.ratio(name, EAGER):>10.2f}"
            f"{found.ratio(name, OURS):>8.2f}{found.cpu_ratio(name, OURS):>7.2f}  {goals.get(name, '')}".rstrip()
        )
    saving = statistics.median(cost.wall for cost in trainers[OURS].saving)
    lines.append(f"beside an epoch, {OURS} commits its state to disk: {saving:.3f} s; no other is asked to")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a network."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.epoch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--images", type=int, help=f"to train on, whole batches; default: {IMAGES}")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="of torch, each; worker processes come on top")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="photographs of your own: what experiments take as --data")
    chosen = parser.parse_args(arguments)
    images = {name: chosen.images or IMAGES[name] for name in chosen.models}
    if any(count % chosen.batch for count in images.values()):
        parser.error(f"--images: whole batches of {chosen.batch} would be right, since timm leaves out the rest")
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        needed = max(images.values()) + chosen.batch
        data = read_data(chosen.data or write_photos(Path(folder) / "photos", needed))
        if len(data.train) < needed:
            parser.error(f"--data has {len(data.train):,} images, {needed:,} are needed: fewer --images would be right")
        for name in chosen.models:
            work = first_images(data, NETWORKS[name], images[name], chosen.batch, Path(folder) / name)
            print(table(work, *compete(work, chosen.peers, chosen.rounds)), end="\n\n", flush=True)
    print(
        f"{chosen.rounds} rounds, threads of torch: {chosen.threads}; medians, ratios pair by pair within a round\n"
        "/ ch.last, / contig.: to the floors, forward, backward and step on a batch that is there\n"
        "CPU: CPU seconds to ours, those of worker processes included"
    )
    print(machine())


if __name__ == "__main__":
    main()
