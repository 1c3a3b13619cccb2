"""What a batch costs beside its network: this project's runner with all its callbacks, over a bare loop.

`python -m benchmarks.overhead [--batches N] [--rounds R]`

The network is so small (3072-64-18) that what surrounds it shows. Batches lie in memory and come out of the same
DataLoader for all. The bare loop is forward, loss, backward and step; macro F1 of the epoch is in a row of its own and
in this project's. Times are CPU microseconds a batch; a difference is the median of those within a round.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader

from benchmarks.catalyst_clock import CatalystClock
from benchmarks.machine import machine
from benchmarks.ours import Silence, declare
from benchmarks.rounds import Cost, take_turns, timed
from benchmarks.workload import Network
from callbacks.metrics import confusion_matrix, macro_f1
from data.metadata import ImageData
from data.samplers import SequentialSampler
from runners.compute import Compute
from runners.fold import make_callbacks, make_criteria
from runners.fold_rows import Fold
from runners.fold_state import FoldState
from runners.optimizers import make_optimizer
from runners.run_folder import FoldFolder
from runners.stop import Stop
from runners.supervised import ClassificationRunner, make_engine

BATCH, CLASSES, SIZE = 32, 18, (32, 32)
GOAL = 250  # microseconds a batch, macro F1 included
BARE, WITH_F1, OURS = "bare loop", "bare loop and F1", "this project"


@dataclass(frozen=True)
class Prepared:
    """Batches that lie in memory, as a data set of which a whole batch is asked for."""

    batches: tuple[dict[str, torch.Tensor], ...]

    @property
    def image_ids(self) -> list[str]:
        """A name for each image."""
        return [str(number) for number in range(len(self))]

    def __len__(self) -> int:
        return len(self.batches) * BATCH

    def __getitems__(self, keys: list[tuple[int, int]]) -> dict[str, torch.Tensor]:
        return dict(self.batches[keys[0][1] // BATCH])


def perceptron(*, num_classes: int) -> nn.Module:
    """Two linear layers over the pixels (B, 32, 32, 3)."""
    hidden = nn.Linear(3 * SIZE[0] * SIZE[1], 64)
    return nn.Sequential(Floats(), nn.Flatten(), hidden, nn.ReLU(), nn.Linear(64, num_classes))


class Floats(nn.Module):
    """Values of 0..255 as numbers of 0..1."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 -> float32 of the same shape."""
        return images.float().div_(255)


def prepare(batches: int) -> "DataLoader[dict[str, torch.Tensor]]":
    """A loader of random images and labels, always in the same order."""
    generator = torch.Generator().manual_seed(0)
    made = tuple(
        {
            "features": torch.randint(256, (BATCH, *SIZE, 3), generator=generator, dtype=torch.uint8),
            "targets": torch.randint(CLASSES, (BATCH,), generator=generator),
            "index": torch.arange(number * BATCH, (number + 1) * BATCH),
        }
        for number in range(batches)
    )
    data = Prepared(made)
    sampler = SequentialSampler(len(data))
    return DataLoader(data, BATCH, sampler=sampler, collate_fn=_as_it_is)  # type: ignore[arg-type]


def _as_it_is(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return batch


def make_fold(folder: Path) -> Fold:
    """A fold of no images, for what a fold is made of but them."""
    names = tuple(str(number) for number in range(CLASSES))
    table = pd.DataFrame({"image_id": ["a", "b"], "path": ["a", "b"], "person": ["a", "b"], "target": [0, 1]})
    data = ImageData(folder, "csv", table, table[:0], names, "path", "label", ())
    network = Network("perceptron", SIZE, partial(perceptron))  # type: ignore[arg-type]
    experiment = replace(declare("overhead", network, BATCH, epochs=2, folds=2), optimizer=partial(SGD, lr=0.01))
    compute = Compute("cpu", threads=1, workers=0, jobs=1)
    return Fold(experiment, data, np.array([0, 1]), 0, FoldFolder(folder / "run/fold_0"), compute, caches=())


def bare(loader: "DataLoader[dict[str, torch.Tensor]]", fold: Fold, score: bool) -> Cost:
    """One epoch, and its F1 from predictions that were kept."""
    torch.manual_seed(0)
    model, criterion = perceptron(num_classes=CLASSES).train(), nn.CrossEntropyLoss()
    optimizer = make_optimizer(fold.experiment.optimizer, None, model)
    predictions, labels = list[torch.Tensor](), list[torch.Tensor]()
    with timed() as cost:
        for batch in loader:
            optimizer.zero_grad()
            logits = model(batch["features"])
            criterion(logits, batch["targets"]).backward()
            optimizer.step()
            if score:
                predictions.append(logits.detach().argmax(1))
                labels.append(batch["targets"])
        if score:
            macro_f1(confusion_matrix(torch.cat(labels).numpy(), torch.cat(predictions).numpy(), CLASSES))
    return cost


def ours(loader: "DataLoader[dict[str, torch.Tensor]]", few: "DataLoader[dict[str, torch.Tensor]]", fold: Fold) -> Cost:
    """The second of two epochs of a fold, its training loader alone; nothing of an earlier turn is continued."""
    for file in fold.folder.root.glob("*"):
        file.unlink()
    torch.manual_seed(0)
    model, clock = perceptron(num_classes=CLASSES), CatalystClock()
    ClassificationRunner().train(
        loaders={"train": loader, "valid": few},
        model=model,
        engine=make_engine("cpu"),
        criterion=make_criteria(fold),
        optimizer=make_optimizer(fold.experiment.optimizer, None, model),
        callbacks=make_callbacks(fold, FoldState(fold.folder, print), Silence(), Stop()),
        loggers={"clock": clock},
        num_epochs=2,
        seed=0,
    )
    return clock.costs[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    loader, few = prepare(chosen.batches), prepare(1)
    with tempfile.TemporaryDirectory() as folder:
        fold = make_fold(Path(folder))
        found = take_turns(
            {
                BARE: lambda: bare(loader, fold, score=False),
                WITH_F1: lambda: bare(loader, fold, score=True),
                OURS: lambda: ours(loader, few, fold),
            },
            chosen.rounds,
        )
    print(f"{'':18}{'CPU us a batch':>15}{'over bare':>11}  goal")
    for name, costs in found.costs.items():
        pairs = zip(costs, found.costs[BARE], strict=True)
        over = statistics.median(cost.cpu - other.cpu for cost, other in pairs) / chosen.batches * 1e6
        goal = f"  <={GOAL}" if name == OURS else ""
        print(f"{name:18}{found.cpu(name) / chosen.batches * 1e6:>15.0f}{over:>11.0f}{goal}")
    print(f"{chosen.rounds} rounds of {chosen.batches} batches of {BATCH}, one thread")
    print(machine())


if __name__ == "__main__":
    main()
