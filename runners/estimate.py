"""How long a run takes and how much memory, foretold from its first batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from data.whole_train_set import fold_count
from runners.compute import Compute, Executor, available_cores
from runners.fold_rows import Fold
from runners.memory import GIB, peak_memory
from runners.run_folder import RunFolder
from runners.timing import Timing

BATCHES = 20  # of training, before anything is said
FORWARD = 1 / 3  # of a training batch's time, for one that is only evaluated: going back costs twice the way forward


def with_estimate(folds: Sequence[Fold]) -> list[Fold]:
    """The same folds, of which the first that is not done will tell the estimate."""
    first = next((fold.number for fold in folds if not fold.folder.predictions.exists()), None)
    return [replace(fold, estimates=fold.number == first) for fold in folds]


@dataclass(frozen=True)
class Plan:
    """What a run has to do from here on."""

    what: str  # in words
    batches: float  # one after the other, of training, or what takes as long as those
    jobs: int  # folds at a time
    device: str
    ranks: int = 1  # processes a fold


def plan_run(fold: Fold) -> Plan:
    """What is left of the run that `fold` is of, as its files say before the fold is trained."""
    run, count = RunFolder(fold.folder.root.parent), fold_count(fold.experiment.split, fold.folds)
    folds = [replace(fold, number=number, folder=run.fold(number)) for number in range(count)]
    left = [one for one in folds if not one.folder.predictions.exists()]
    begun = len(left) < count or any(Timing(one.folder.timing).epochs() for one in left)
    what = "what is left" if begun else f"{_counted(count, 'fold')} x {_counted(fold.epochs, 'epoch')}"
    jobs = min(fold.compute.jobs, len(left))
    what = f"{fold.experiment.name}: {what}" if fold.queued else what
    work = makespan([training_batches(one) for one in left], jobs, _room(fold.compute, jobs))
    return Plan(what, work, jobs, fold.compute.device, fold.compute.ranks)


def estimate_line(plan: Plan, seconds: float) -> str:
    """The estimate in 80 columns, from the seconds of a training batch while as many folds run as are to run.

    With all epochs: folds that stop early make it shorter. Memory is the most that this process held so far.
    """
    peak = peak_memory(plan.device)
    processes = plan.jobs * plan.ranks
    memory = "" if peak is None else f", {f'{processes} x ' if processes > 1 else ''}{peak / GIB:.1f} GiB "
    where = "resident" if plan.device == "cpu" else "of the GPU"
    took = duration(seconds * plan.batches)
    return f"estimate after {BATCHES} batches: {plan.what} in about {took}{memory}{where if memory else ''}"


def training_batches(fold: Fold) -> float:
    """What a fold has left to do, in training batches; evaluated ones count for less, each view by itself."""
    experiment = fold.experiment
    train, valid, test = (
        -(-images // experiment.batch_size) for images in (len(fold.sampler), len(fold.valid), len(fold.data.test))
    )
    epochs = max(0, fold.epochs - Timing(fold.folder.timing).epochs())
    return epochs * (train + FORWARD * valid) + FORWARD * len(experiment.tta) * (valid + test)


def makespan(work: Sequence[float], jobs: int, room: int) -> float:
    """When the last piece is done, `jobs` at a time in turn; work is measured while so many share `room` places.

    As soon as fewer run than before, those that shared a place go faster.
    """
    waiting, running, end = list(work), list[float](), 0.0
    while waiting or running:
        while waiting and len(running) < jobs:
            running.append(waiting.pop(0))
        shortest, pace = min(running), max(1, jobs / room) / max(1, len(running) / room)
        end += shortest / pace
        running = [piece - shortest for piece in running if piece > shortest]
    return end


def _room(compute: Compute, jobs: int) -> int:
    """How many of the folds that run at a time have cores of their own."""
    if compute.device == "cuda" or compute.executor is Executor.ray:
        return jobs
    return max(1, available_cores() // (compute.threads * compute.ranks))


def duration(seconds: float) -> str:
    """A time as one says it: 40 s, 3 min, 2.5 h."""
    if seconds < 95:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 95 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _counted(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
