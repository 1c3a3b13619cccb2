"""Small runs in processes of their own that may be killed: forked from one that has imported everything.

Such a process starts in milliseconds, and is given to `runners.main.main`, as `python -m experiments.tiny` is. What it
prints lies in a file, and a byte on disk tells which stage it is in.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import stages
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from callbacks.average import EMA
from callbacks.roc import roc_auc
from data.mixing import Mixup
from data.splits import PersonHoldout, PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import CrossEntropy, SoftF1
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import hflip, identity

# what a run imports on its way: here, so that a forked process finds it imported
import data.reading, runners.earlier_runs, runners.fast, runners.first_fold  # noqa: E401, F401, I001 # isort: skip
import runners.identity, runners.kfold, runners.refusals, runners.sources  # noqa: E401, F401, I001 # isort: skip

SIZE = (32, 24)
PREPARE_NOTHING = partial(bool)


def small_network(*, num_classes: int, width: int) -> nn.Module:
    """A network of a few thousand weights with batch norm and dropout, for images (B, H, W, 3) uint8."""
    return nn.Sequential(
        Pixels(),
        nn.Conv2d(3, width, 5, stride=4),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(4 * width, num_classes),
    )


class Pixels(nn.Module):
    """Images (B, H, W, 3) uint8 as (B, 3, H, W) floats about 0."""

    def forward(self, images: Any) -> Any:
        return images.permute(0, 3, 1, 2).float() / 128 - 1


def declare(**changes: Any) -> Experiment:
    """An experiment of two folds and three epochs that takes less than a second; keywords replace its fields."""
    fields: dict[str, Any] = {
        "name": "tiny", "parent": None, "seed": 3, "split": partial(PersonStratifiedKFold, folds=2),
        "corrections": None, "extra_data": (), "age_boundary": None, "epochs": 3, "batch_size": 8, "accumulate": 2,
        "clip_norm": 1.0,
        "model": partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.2), "freeze_epochs": 0,
        "criteria": {"ce": partial(CrossEntropy), "f1": partial(SoftF1)}, "criterion": {1: "ce", 3: "f1"},
        "parameters": None, "optimizer": partial(AdamW, lr=1e-3, weight_decay=1e-2),
        "scheduler": partial(CosineAnnealingLR, T_max=3), "schedule_every": "epoch", "sampler": None,
        "train_transform": partial(
            flip_shift_colour, size=SIZE, flip=0.5, shift=0.1, scale=0.1, rotate=5, brightness=0.1, contrast=0.1
        ),
        "mix": None, "valid_transform": partial(resize, size=SIZE), "metrics": {}, "monitor": ("f1", "max"),
        "patience": 3, "average": None, "precision": "no", "compile": False, "activation": softmax,
        "tta": (identity, hflip),
    }  # fmt: skip
    return Experiment(**(fields | changes))


def one_small_fold(**changes: Any) -> Experiment:
    """One fold of a network that is saved in a few kilobytes."""
    fields: dict[str, Any] = {
        "split": partial(PersonHoldout, valid_fraction=0.3),
        "model": partial(small_network, width=8),
        "criterion": "ce",
    }
    return declare(**(fields | changes))


KINDS: dict[str, Callable[[], Experiment]] = {
    "two criteria, cosine": declare,
    "mixup, accumulate 3": partial(
        declare, mix=partial(Mixup, alpha=0.4, probability=1.0, partners="any"), accumulate=3, criterion="ce"
    ),
    "plateau, stops early": partial(
        declare, epochs=6, patience=1, criterion="ce", scheduler=partial(ReduceLROnPlateau, mode="max", patience=0)
    ),
    "EMA, accumulate 4, scores": partial(
        declare, average=partial(EMA, decay=0.9, warmup=1), accumulate=4, metrics={"auc": partial(roc_auc)}
    ),
}


@dataclass(frozen=True)
class Start:
    """One start of a run. prepare: called in its process before anything else, say to limit or to patch it."""

    experiment: Experiment
    data: Path
    folder: Path  # gets the module, what is printed, and runs/
    options: tuple[str, ...] = ("--workers", "0", "--jobs", "1", "--cache-limit", "0")
    prepare: Callable[[], object] = PREPARE_NOTHING

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def source(self) -> Path:
        return self.folder / f"{self.experiment.name}.py"

    def begin(self) -> "Started":
        """Start its process, which is the leader of a session of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.source.write_text('"""Does it last?"""\n')
        log = self.folder / f"start-{len(list(self.folder.glob('start-*.txt')))}.txt"
        process = _context().Process(target=_work, args=(self, log))
        process.start()
        return Started(process, log)

    def finish(self, timeout: float = 120) -> "Started":
        """Start it and wait for its end, which must be a good one."""
        started = self.begin()
        started.wait(timeout)
        assert started.code == 0, started.printed
        return started


@dataclass
class Started:
    """A process that was started."""

    process: Any
    log: Path
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0  # that it took, once it was waited for

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    @property
    def code(self) -> int | None:
        """Exit code, -9 where it was killed; None while it runs."""
        return None if self.process.exitcode is None else int(self.process.exitcode)

    @property
    def printed(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def stage(self) -> str:
        """Where it is, or was when it ended."""
        return stages.read(self.log.with_suffix(".stage"))

    @property
    def batches(self) -> Counter[str]:
        """How many went through its networks: "t" to train them, "v" to validate."""
        counted = self.log.with_suffix(".batches")
        return Counter(counted.read_text() if counted.exists() else "")

    def wait(self, timeout: float) -> None:
        """Wait for its end; one that hangs is killed, with all it started, and is an error."""
        self.process.join(timeout)
        self.seconds = time.monotonic() - self.begun
        if self.process.exitcode is None:
            self.end()
            raise AssertionError(f"hangs after {timeout} s in {self.stage}:\n{self.printed}")

    def end(self) -> None:
        """Kill it and whatever it started, and wait till it is gone."""
        for pid in [self.pid, *self.family()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.join()

    def family(self) -> list[int]:
        """Processes of its session that live, but for itself."""
        return [pid for pid in living(self.pid) if pid != self.pid]


def living(session: int) -> list[int]:
    """Processes of a session that are no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(its_session) == session and state not in "ZX":
                found.append(int(entry.name))
    return found


def _context() -> Any:
    """Processes forked from a server that has imported this module, with one thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rehearsal_server"])
    here = Path(__file__).parent
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (here.parents[1], here)))  # the server reads it once
    os.environ["OMP_NUM_THREADS"] = "1"
    return context


def _work(start: Start, log: Path) -> None:
    os.setsid()
    multiprocessing.set_start_method("fork", force=True)  # as in a process of the command line
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1), os.dup2(descriptor, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores Ctrl-C
    stages.watch(log.with_suffix(".stage"))
    stages.count_batches(log.with_suffix(".batches"))
    start.prepare()
    command = ["--data", str(start.data), "--runs", str(start.runs), "--threads", "1", "--device", "cpu"]
    cache = ["--cache", str(start.folder / "cache")]
    sys.argv = [str(start.source), *command, *cache, *start.options]
    sys.modules["__main__"].__file__ = str(start.source)
    main(start.experiment)
