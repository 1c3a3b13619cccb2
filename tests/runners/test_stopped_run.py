"""A run that SIGTERM ends in the middle of an epoch, whatever it declares, goes on from the next batch."""

import errno
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rehearsal import small_network
from same_results import assert_same_results
from torch.optim.lr_scheduler import ReduceLROnPlateau

from callbacks.average import SWA
from callbacks.soup import GreedySoup
from data.balanced_samplers import oversampled
from data.mixing import Mixup
from data.splits import PersonHoldout
from runners.run_folder import RunFolder
from runners.stop import Stop, Terminated, listening
from runners.supervised import ClassificationRunner

SMALL = {"split": partial(PersonHoldout, valid_fraction=0.3), "model": partial(small_network, width=8)}
DECLARED: dict[str, dict[str, Any]] = {
    "mixup, rest of a window": {
        "mix": partial(Mixup, alpha=0.4, probability=1.0, partners="any"), "accumulate": 3, "criterion": "ce",
    },
    "two criteria of one sum, in bfloat16": {"criterion": {1: {"ce": 1.0, "f1": 0.5}}, "precision": "bf16"},
    "SWA": {"average": partial(SWA, start=1), "criterion": "ce"},
    "a soup": {"average": partial(GreedySoup, epochs=2), "criterion": "ce"},
    "oversampled, plateau": {
        "sampler": partial(oversampled, by="gender", absent="skip"), "criterion": "ce",
        "scheduler": partial(ReduceLROnPlateau, mode="max", patience=0),
    },
}  # fmt: skip


@pytest.fixture
def stopped(run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs an experiment until a batch of an epoch's loader is under way, in which SIGTERM comes."""

    def start(experiment: Any, epoch: int, loader: str, batch: int) -> None:
        handle_batch = ClassificationRunner.handle_batch

        def signalled(runner: ClassificationRunner, **values: Any) -> None:
            if (runner.epoch_step, runner.loader_key, runner.loader_batch_step) == (epoch, loader, batch):
                signal.raise_signal(signal.SIGTERM)
            handle_batch(runner, **values)

        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
        with monkeypatch.context() as patch, pytest.raises(Terminated), listening(Stop(), signal.SIGTERM):
            patch.setattr(ClassificationRunner, "handle_batch", signalled)
            run(experiment)
        signal.setitimer(signal.ITIMER_REAL, 0)  # a process that was stopped would end now
        for number, handler in handlers.items():
            signal.signal(number, handler)

    return start


@pytest.mark.parametrize("name", list(DECLARED))
def test_whatever_is_declared(run, declare, stopped, tmp_path: Path, name: str) -> None:
    experiment = declare(**SMALL, **DECLARED[name])
    whole, _ = run(experiment)
    whole.root.rename(tmp_path / "unstopped")
    for epoch, loader, batch in ((2, "train", 2), (2, "valid", 1), (3, "train", 1)):
        stopped(experiment, epoch, loader, batch)
        assert len(list((tmp_path / "runs").glob("*/*/fold_0/stopped.pth"))) == 1
    continued, printed = run(experiment)
    assert "fold 1/1  continues in epoch 3 after train batch 1 of" in printed and "(continued)" in printed
    assert not continued.fold(0).stopped.exists()
    assert_same_results(RunFolder(tmp_path / "unstopped"), continued)


def test_a_damaged_file_of_a_stop_costs_its_epoch(run, declare, stopped, tmp_path: Path) -> None:
    experiment = declare(**SMALL)
    whole, _ = run(experiment)
    whole.root.rename(tmp_path / "unstopped")
    stopped(experiment, 2, "train", 2)
    (file,) = (tmp_path / "runs").glob("*/*/fold_0/stopped.pth")
    file.write_bytes(file.read_bytes()[:-9])
    continued, printed = run(experiment)
    assert "stopped.pth is damaged" in printed and "fold 1/1  continues after epoch 1" in printed
    assert_same_results(RunFolder(tmp_path / "unstopped"), continued)


def test_a_disk_that_is_full_at_a_stop_is_said_and_costs_the_epoch(
    run, declare, stopped, tmp_path: Path, monkeypatch, capfd
) -> None:
    experiment = declare(**SMALL)
    whole, _ = run(experiment)
    whole.root.rename(tmp_path / "unstopped")
    replace, said = os.replace, []

    def full(source: object, target: object) -> None:
        if Path(str(target)).name == "stopped.pth":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        patch.setattr("runners.display.Display.line", lambda self, text: said.append(text))
        stopped(experiment, 2, "train", 2)
    assert "stopped.pth: No space left on device; " in said[-1] and "the epoch is trained again" in said[-1]
    continued, printed = run(experiment)
    assert "fold 1/1  continues after epoch 1" in printed
    assert_same_results(RunFolder(tmp_path / "unstopped"), continued)
    shutil.rmtree(continued.root)
