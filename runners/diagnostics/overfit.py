"""`--overfit N`: can the network learn N batches by heart? If it can't, something in the wiring is wrong.

The customary first test of a training set-up: the same few images again and again, as validation sees them, without
augmentation and mixing, so that nothing stands between the network and a loss as low as it can get. Training is the
run's in all else, dropout included, but for the schedule and averaged or frozen weights (see short_training). It is
judged in evaluation mode on the same images, as a run validates and predicts.
"""

import math
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from rich.console import Console

from callbacks.probe import ProbeCallback
from data.datasets import Batch
from data.errors import DataError
from data.held_images import HeldImages
from data.loaders import make_loader
from data.samplers import SequentialSampler
from runners.compute import Compute
from runners.diagnostics.loss_floor import loss_floor
from runners.diagnostics.short_training import train_shortly
from runners.display import Display
from runners.experiment import Experiment
from runners.first_fold import first_fold
from runners.fold_loaders import make_loaders
from runners.fold_rows import Fold
from runners.linear_probe import LinearProbe

PASSES = 300  # over the batches, before it is given up
NEAR = 0.02  # of the way from the loss' least value to that of a guess, which counts as having arrived

Row = dict[str, float]


@dataclass(frozen=True)
class Goal:
    """The loss that counts as learnt by heart."""

    least: float
    guess: float

    @property
    def loss(self) -> float:
        """At most this, with every image right."""
        return self.least + NEAR * (self.guess - self.least)

    def reached(self, row: Row) -> bool:
        """Whether an epoch's row of the log says so."""
        return row["valid_accuracy"] == 1 and row["valid_loss"] <= self.loss


def try_overfit(
    experiment: Experiment | LinearProbe, data: Path, compute: Compute, batches: int, console: Console
) -> None:
    """`--overfit`: the first fold's first `batches` batches; DataError, so exit code 1, where they are not learnt."""
    fold = first_fold(experiment, data, compute)
    with Display(console, PASSES) as display:
        overfit(fold, batches, display)


def overfit(fold: Fold, batches: int, display: Display) -> Row:
    """Train on the fold's first `batches` training batches until they are learnt by heart; the last row of the log.

    Nothing is written. Raises DataError, with the loss and F1 that it came to, where PASSES passes are not enough or
    the loss is no number.
    """
    batch = first_batches(fold, batches)
    goal = Goal(*loss_floor(fold, batch))
    held = HeldImages(batch, [str(index) for index in batch["index"].tolist()])
    size, number = fold.experiment.batch_size, -(-len(held) // fold.experiment.batch_size)
    display.line(
        f"overfit    {_counted(number, 'batch', 'batches')}, {len(held)} images, {PASSES} times at most; no run is made"
    )
    display.line(f"loss       {goal.guess:.4f} for a guess, {goal.least:.4f} at best, wanted {goal.loss:.4f}")
    loaders = {
        name: make_loader(held, SequentialSampler(len(held)), batch_size=size, workers=0)  # type: ignore[arg-type]
        for name in ("train", "valid")
    }
    rows = list[Row]()

    def after_epoch(row: Row) -> bool:
        rows.append(row)
        display.advance(1, "learning by heart")
        ended = goal.reached(row) or not math.isfinite(row["train_loss"])
        if ended or _is_shown(len(rows)):
            display.line(_line(len(rows), row))
        return ended

    probe = ProbeCallback(fold.experiment.accumulate, None, after_epoch)
    train_shortly(fold, loaders, probe, epochs=PASSES, mixed=False)
    if not goal.reached(rows[-1]):
        raise DataError(_failure(len(rows), rows[-1], goal))
    display.line(f"reached    after {_counted(len(rows), 'pass', 'passes')}: learnt by heart")
    return rows[-1]


def first_batches(fold: Fold, batches: int) -> Batch:
    """The images and targets of the run's first batches in epoch 1, each image once, as validation would see them."""
    unchanged = replace(fold.experiment, train_transform=fold.experiment.valid_transform)
    loader = make_loaders(replace(fold, experiment=unchanged))["train"]
    loader.sampler.set_epoch(1)
    taken = islice(iter(loader.sampler), batches * fold.experiment.batch_size)
    positions = dict.fromkeys(position for _, position in taken)
    batch: Batch = loader.dataset.__getitems__([(0, position) for position in positions])
    return batch


def _is_shown(passed: int) -> bool:
    """Whether a pass gets a line: 1, 2, 5, 10, 20, 50 ..."""
    return passed in {first * 10**zeros for first in (1, 2, 5) for zeros in range(len(str(passed)))}


def _line(passed: int, row: Row) -> str:
    return (
        f"pass {passed:<5} loss {row['train_loss']:.4f}, evaluated {row['valid_loss']:.4f}, F1 {row['valid_f1']:.4f}, "
        f"accuracy {row['valid_accuracy']:.4f}"
    )


def _failure(passed: int, row: Row, goal: Goal) -> str:
    if not math.isfinite(row["train_loss"]):
        return (
            f"The loss became {row['train_loss']} in pass {passed}: a smaller learning rate, or a clip_norm, is right."
        )
    told = (
        f"Not learnt by heart in {passed} passes: loss {row['valid_loss']:.4f}, F1 {row['valid_f1']:.4f}, accuracy "
        f"{row['valid_accuracy']:.4f}, where a loss of {goal.loss:.4f} and every image right were to be reached"
    )
    if row["train_accuracy"] == 1 and row["train_loss"] <= goal.loss:
        return (
            f"{told}. In training mode it was ({row['train_loss']:.4f}): what differs in evaluation mode, such as the "
            "statistics of batch norm, is to be looked at."
        )
    return (
        f"{told}: labels that belong to other images, parameters without a gradient, a loss that does not fit the "
        "output, or a learning rate far off are the usual causes."
    )


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
