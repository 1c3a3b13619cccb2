"""How near is the arithmetic to what the processor can do? python -m benchmarks.roofline [--models resnet18 ...]

Multiplications and additions a second of training and of predicting, beside those of a large matrix product, which no
convolution is much faster than. What a goal asks for is such a rate too: the reference's, times the goal. Where that is
more than a matrix product's, nothing but less arithmetic reaches the goal on this processor.

Training: a batch through the floors of benchmarks.epoch. Predicting: the methods of benchmarks.inference, 5 networks x
2 views. One thread, each in a process of its own, all once a round; ratios are medians of ratios in the same round.
Only what convolutions and matrix products compute is counted (torch.utils.flop_counter), a multiplication and an
addition as two; batch norms, activations and copies take time and count nothing. A backward pass counts as two forward
ones, but for the images' gradient, which nobody asks for: torch's counter takes depthwise convolutions for whole ones.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import floors
from benchmarks.apart import own_process
from benchmarks.epoch import GOALS as EPOCH_GOALS
from benchmarks.inference import FOLDS, MODELS, VIEWS, Batches, methods_of
from benchmarks.inference import GOALS as INFERENCE_GOALS
from benchmarks.machine import machine
from benchmarks.photos import write_photos
from benchmarks.rounds import Contestant, Cost, Rounds, take_turns, timed
from benchmarks.workload import Network, Workload, first_images
from data.reading import read_data
from runners.deployment.onnx_network import check_installed
from runners.models import timm_classifier

SIDE, PRODUCTS = 2048, 5  # of the matrices, and how often they are multiplied
PRODUCT, CONTIGUOUS, CHANNELS_LAST = "matrix product", "train, contiguous", "train, channels_last"


@dataclass(frozen=True)
class Piece:
    """Something that computes: how to make it in its process, and how many operations a turn of it are."""

    make: Callable[[], Contestant]
    operations: int


def product() -> Contestant:
    """Two square matrices, multiplied; what an idle process has to fetch again first is not counted."""
    left, right = torch.randn(2, SIDE, SIDE)
    made = torch.empty(SIDE, SIDE)

    def turn() -> Cost:
        torch.matmul(left, right, out=made)
        with timed() as cost:
            for _ in range(PRODUCTS):
                torch.matmul(left, right, out=made)
        return cost

    return turn


def goals(network: str) -> dict[str, tuple[str, float]]:
    """Of each piece of work that has a goal: the rate that it is to exceed, and how many times."""
    bound = EPOCH_GOALS[network][1] if network in EPOCH_GOALS else None
    of_training = {CHANNELS_LAST: (CONTIGUOUS, 1 / bound)} if bound else {}
    return of_training | {f"predict, {name}": ("predict, loop", times) for name, times in INFERENCE_GOALS.items()}


def count(network: nn.Module, images: torch.Tensor) -> int:
    """Operations of a forward pass."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.eval()(images)
    operations: int = counter.get_total_flops()
    return operations


def count_training(network: nn.Module, images: torch.Tensor) -> int:
    """Operations of a forward pass and its backward pass."""
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    seen = list[torch.Tensor]()
    hook = first.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    forward = count(network, images)
    hook.remove()
    return 3 * forward - count(first, seen[0])


def pieces(work: Workload, images: int) -> dict[str, Piece]:
    """What is compared, of one network; `images` to predict."""
    network, size = work.network.make(num_classes=work.classes), work.network.size
    pixels = torch.randint(0, 256, (images, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    predicting, training = count(network, pixels[:1]), count_training(network, pixels[:1])
    methods, _ = methods_of(work.network.name, Batches(pixels, 32))
    return {
        PRODUCT: Piece(product, PRODUCTS * 2 * SIDE**3),
        CONTIGUOUS: Piece(partial(floors.eager, work), training * len(work.train)),
        CHANNELS_LAST: Piece(partial(floors.channels_last, work), training * len(work.train)),
        **{
            f"predict, {name}": Piece(make, predicting * images * FOLDS * len(VIEWS))
            for name, make in methods.items()
        },
    }


def measure(compared: dict[str, Piece], rounds: int) -> Rounds:
    """What each cost, in its process, in each round; a first turn does not count."""
    with ExitStack() as stack:
        turns = {name: stack.enter_context(own_process(piece.make)) for name, piece in compared.items()}
        return take_turns(turns, rounds)


def table(compared: dict[str, Piece], found: Rounds, asked_of: dict[str, tuple[str, float]]) -> list[str]:
    """A row for each; shares are of the matrix product's rate."""
    rates = {name: piece.operations / found.wall(name) / 1e9 for name, piece in compared.items()}
    shares = {
        name: found.ratio(PRODUCT, name) * piece.operations / compared[PRODUCT].operations
        for name, piece in compared.items()
    }
    lines = []
    for name in compared:
        reference, times = asked_of.get(name, ("", 0.0))
        asked = f"{times * shares[reference]:>11.2f}" if reference else ""
        lines.append(f"{name:<22}{rates[name]:>9.1f}{shares[name]:>11.2f}{asked}")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a network."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.roofline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64, help="images; two batches are trained on")
    parser.add_argument("--images", type=int, help=f"that are predicted; default: {MODELS}, others 512")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    check_installed("benchmarks.roofline")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = read_data(write_photos(Path(folder) / "photos", 3 * chosen.batch))
        for name in chosen.models:
            make = partial(timm_classifier, backbone=name, pretrained=None, drop_rate=0.0)
            images = chosen.images or MODELS.get(name, 512)
            network = Network(name, (chosen.size, chosen.size), make)
            compared = pieces(first_images(data, network, 2 * chosen.batch, chosen.batch, Path(folder)), images)
            print(f"{name:<22}{'GFLOP/s':>9}{'/ product':>11}{'goal asks':>11}")
            print(*table(compared, measure(compared, chosen.rounds), goals(name)), sep="\n", end="\n\n", flush=True)
    print("/ product: rate to that of a matrix product in the same round; goal asks: the goal, to the same")
    print(machine())


if __name__ == "__main__":
    main()
