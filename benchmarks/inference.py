"""How many images a second do the folds' networks predict, all test-time views included?

``python -m benchmarks.inference [--models resnet18] [--images 512] [--rounds 3]``: a round takes the same images, in
memory, through 5 networks in 2 views, by each method in turn, each in a process of its own:

- loop: what is usually written. Networks and normalised float images as NCHW; for each network over all batches, for
  each view, under torch.no_grad. It is spared the conversion from uint8 and the second to fifth reading of the images.
- torch: `runners.inference.predict` from uint8 images, in a process that keeps freed memory as `predict` and a run do;
  folding batch norms is timed with it, one to two batches' worth.
- onnx: the same `predict` over ONNX Runtime's sessions, which are made before (seconds a network, said below).

One thread. A ratio is the median over rounds of loop / method in the same round.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.apart import own_process
from benchmarks.machine import machine
from benchmarks.rounds import Cost, Rounds, take_turns, timed
from runners.activations import softmax
from runners.allocator import keep_freed_memory
from runners.deployment.onnx_network import check_installed, onnx_network, to_onnx, with_weights
from runners.inference import Network, predict
from runners.models import ImageClassifier, timm_classifier
from runners.views import hflip, identity

MODELS = {"mobilenetv3_small_050": 512, "mobilenetv3_small_100": 512, "resnet18": 64}  # images, if not said
GOALS = {"torch": 1.3, "onnx": 2.0}  # times the rate of the loop, at least
FOLDS, CLASSES, VIEWS = 5, 18, (identity, hflip)
HEADER = (
    f"{'model':<22} {'method':<6} {'images/s':>9} {'wall ms':>8} {'CPU ms':>8} "
    f"{'x wall':>7} {'x CPU':>6} {'goal':>6} {'off':>8}"
)

Probabilities = NDArray[np.float32]
Method = Callable[[], Probabilities]


@dataclass(frozen=True)
class Batches:
    """Images in memory as a loader gives them."""

    images: torch.Tensor  # (N, H, W, 3) uint8
    batch_size: int

    @property
    def dataset(self) -> "Batches":
        """Itself: what knows the number of images and their names."""
        return self

    @property
    def image_ids(self) -> list[str]:
        """Names, for an error."""
        return [str(number) for number in range(len(self))]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for index in torch.arange(len(self)).split(self.batch_size):
            yield {"features": self.images[index], "index": index}


def make_networks(backbone: str, images: torch.Tensor) -> list[ImageClassifier]:
    """Networks of random weights, none of them alike as at a start, whose batch norms have seen a batch."""
    made = []
    for seed in range(FOLDS):
        torch.manual_seed(seed)
        network = timm_classifier(num_classes=CLASSES, backbone=backbone, pretrained=None, drop_rate=0.2)
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(0.01 * torch.randn_like(weights))
            network.train()(images[:32])
        made.append(network.eval())
    return made


def loop(networks: Sequence[ImageClassifier], batches: Batches) -> Method:
    """Every network over all batches, view by view, NCHW throughout."""
    first = networks[0]
    backbones = [deepcopy(network.backbone).to(memory_format=torch.contiguous_format) for network in networks]
    normalised = ((batches.images.float() - first.mean) / first.std).permute(0, 3, 1, 2).contiguous()  # (N, 3, H, W)
    parts = normalised.split(batches.batch_size)

    @torch.no_grad()
    def run() -> Probabilities:
        of_networks = []
        for backbone in backbones:
            of_batches = []
            for pixels in parts:
                views = (pixels, pixels.flip(3))
                of_batches.append(torch.stack([backbone(view).softmax(1) for view in views]).mean(0))
            of_networks.append(torch.cat(of_batches))
        return torch.stack(of_networks).numpy()  # (K, N, C)

    return run


def ours(networks: Sequence[Network], batches: Batches) -> Method:
    """One pass over the images for all networks and views."""
    return lambda: predict(networks, batches, VIEWS, softmax, "cpu", lambda: None)


def compete(methods: Mapping[str, Callable[[], Method]], rounds: int) -> tuple[Rounds, dict[str, float]]:
    """What each method cost in each round, made and called in its process; and how far its first answer is off."""
    with ExitStack() as stack:
        calls = {name: stack.enter_context(own_process(partial(_timed, make))) for name, make in methods.items()}
        answers = {name: call()[1] for name, call in calls.items()}  # first calls, which do not count
        found = take_turns({name: partial(_cost, call) for name, call in calls.items()}, rounds, warm_ups=0)
    return found, {name: float(np.abs(answer - answers["loop"]).max()) for name, answer in answers.items()}


def _timed(make: Callable[[], Method]) -> Callable[[], tuple[Cost, Probabilities]]:
    method = make()

    def turn() -> tuple[Cost, Probabilities]:
        with timed() as cost:
            probabilities = method()
        return cost, probabilities

    return turn


def _cost(call: Callable[[], tuple[Cost, Probabilities]]) -> Cost:
    return call()[0]


def methods_of(backbone: str, batches: Batches) -> tuple[dict[str, Callable[[], Method]], float]:
    """What makes each method for a backbone's networks; and CPU seconds of exporting one."""
    networks = make_networks(backbone, batches.images)
    with own_process(partial(_exporter, networks, batches.images.shape[1])) as export:
        # apart: after an export torch starts threads for backward passes, which a process forked later would miss
        bodies, seconds = export()

    def by_torch() -> Method:
        keep_freed_memory()
        return ours(networks, batches)

    def by_onnx() -> Method:
        return ours([onnx_network(each, 1, "cpu") for each in bodies], batches)

    return {"loop": partial(loop, networks, batches), "torch": by_torch, "onnx": by_onnx}, seconds


def _exporter(networks: Sequence[ImageClassifier], size: int) -> Callable[[], tuple[list[bytes], float]]:
    def export() -> tuple[list[bytes], float]:
        """The networks in ONNX's form; CPU seconds of the first, of which the others take all but the weights."""
        started = time.process_time()
        body = to_onnx(networks[0], softmax, (size, size))
        seconds = time.process_time() - started
        swapped = (with_weights(body, network, softmax, (size, size)) for network in networks)
        made = zip(swapped, networks, strict=True)
        return [found or to_onnx(network, softmax, (size, size)) for found, network in made], seconds

    return export


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; 100 columns at most."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--images", type=int, help=f"default: {MODELS}, others 512")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    check_installed("benchmarks.inference")
    torch.set_num_threads(1)
    print(HEADER)
    exports = list[str]()
    generator, size = torch.Generator().manual_seed(0), chosen.size
    for backbone in chosen.models:
        shape = (chosen.images or MODELS.get(backbone, 512), size, size, 3)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        methods, export = methods_of(backbone, Batches(images, chosen.batch))
        found, off = compete(methods, chosen.rounds)
        exports.append(f"{backbone} {export:.1f}")
        for name in methods:
            wall, cpu = 1000 * found.wall(name) / len(images), 1000 * found.cpu(name) / len(images)
            goal = f">={GOALS[name]:g}" if name in GOALS else ""
            print(
                f"{backbone:<22} {name:<6} {1000 / wall:>9.1f} {wall:>8.2f} {cpu:>8.2f} "
                f"{found.ratio('loop', name):>7.2f} {found.cpu_ratio('loop', name):>6.2f} "
                f"{goal:>6} {off[name]:>8.0e}",
                flush=True,
            )
    print(
        f"an image: all of its {FOLDS} x {len(VIEWS)} forward passes, at {chosen.size}x{chosen.size}; batches of "
        f"{chosen.batch}; x: loop / method\n"
        f"off: largest difference of a probability from the loop's\n"
        f"CPU seconds to export a network: {', '.join(exports)}"
    )
    print(machine())


if __name__ == "__main__":
    main()
