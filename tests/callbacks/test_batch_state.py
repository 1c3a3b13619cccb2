"""A training that is stopped after any batch goes on from the next one, to the same bits."""

import copy
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from catalyst.core.callback import Callback
from same_results import assert_same_values
from torch import nn

from callbacks import ORDER
from callbacks.average import EMA, SWA, AverageCallback
from callbacks.batch_state import load_batch_state
from callbacks.checkpoint import CheckpointCallback
from callbacks.f1 import MetricsCallback
from callbacks.finite_loss import FiniteLossCallback
from callbacks.monitor import Monitor
from callbacks.progress import ProgressCallback
from callbacks.ranking import reciprocal_rank
from callbacks.scheduler import SchedulerCallback
from callbacks.stop import StopCallback
from data.errors import DataError
from runners.criteria import CrossEntropy

TRAIN, VALID = 8, 3  # batches of the loaders
PLACES = [("train", batch) for batch in range(1, TRAIN + 1)] + [("valid", batch) for batch in range(1, VALID + 1)]


class Ended(BaseException):
    """What a stop raises."""


class StopAt(Callback):
    """Asks for a stop in a batch of an epoch, and is what is asked; counts training batches."""

    def __init__(self, epoch: int, loader: str, batch: int) -> None:
        super().__init__(order=ORDER["stop"] - 1)
        self.asked, self.at, self.trained = False, (epoch, loader, batch), 0

    def on_batch_end(self, runner: Any) -> None:
        self.trained += runner.is_train_loader
        self.asked = (runner.epoch_step, runner.loader_key, runner.loader_batch_step) == self.at

    def heed(self, last: Callable[[], object] = bool) -> None:
        last()
        raise Ended


@dataclass
class Kept:
    """What a training leaves: files as they come back from a disk, and what it told."""

    state: bytes | None = None
    lines: list[str] = field(default_factory=list)
    ticks: int = 0
    images: list[int] = field(default_factory=list)  # of each epoch

    def save(self, state: dict[str, Any]) -> None:
        body = io.BytesIO()
        torch.save(state, body)
        self.state = body.getvalue()

    def load(self) -> Any:
        return None if self.state is None else torch.load(io.BytesIO(self.state), weights_only=True)

    def tick(self, batches: int, text: str) -> None:
        self.ticks += batches

    def callbacks(self, average: Any, accumulate: int, stop: StopAt) -> list[Callback]:
        monitor, nothing = Monitor("f1", "max"), lambda *_: None
        checkpoint = CheckpointCallback(monitor, {}, self.save, nothing, nothing, self.load)
        return [
            FiniteLossCallback(3),
            MetricsCallback({"mrr": reciprocal_rank}, partial(torch.softmax, dim=1)),
            AverageCallback(average, accumulate),
            SchedulerCallback("step", accumulate, monitor),
            checkpoint,
            ProgressCallback("fold 1/1", 3, monitor, self.tick, self.lines.append,
                             lambda epoch, seconds, images: self.images.append(images)),
            stop,
            StopCallback("fold 1/1", stop, checkpoint, self.save, self.lines.append),
        ]  # fmt: skip


class Shaken(nn.Module):
    """Draws from the generators that torch's dropout does not draw from."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        noise = 0.1 * (random.random() + np.random.random()) if self.training else 0  # noqa: S311
        return features + noise


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(Shaken(), nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 4))


KINDS: dict[str, dict[str, Any]] = {
    "EMA": {"average": partial(EMA, decay=0.9, warmup=1), "accumulate": 1},
    "EMA, accumulate 3": {"average": partial(EMA, decay=0.9, warmup=1), "accumulate": 3, "parts": {"ce": 1.0}},
    "SWA, accumulate 5, two divisors": {
        "average": partial(SWA, start=2),
        "accumulate": 5,
        "parts": {"ce": 1.0, "weighed": 0.5},
    },
}


@pytest.fixture
def trained(train) -> Callable[..., Kept]:
    """A training of one kind, from a state or anew, to its end or to a stop."""

    def run(kind: str, kept: Kept, stop: StopAt) -> Kept:
        settings = KINDS[kind]
        accumulate, parts = settings["accumulate"], settings.get("parts", {"ce": 1.0})
        weighed = CrossEntropy(class_weights=[1.0, 2.0, 3.0, 9.0])
        train(
            extra=kept.callbacks(settings["average"](), accumulate, stop),
            images=60,
            accumulate=accumulate,
            clip_norm=1.0,
            criteria={"ce": CrossEntropy(), "weighed": weighed},
            schedule={1: parts},
            optimizer=torch.optim.AdamW,
            lr=0.01,
            make_scheduler=partial(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.9),
            model=network(),
        )
        return kept

    return run


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_stop_after_any_batch(trained, kind: str) -> None:
    never = StopAt(0, "", 0)
    whole = trained(kind, Kept(), never)
    for loader, batch in PLACES:
        kept, stop, rest = Kept(), StopAt(2, loader, batch), StopAt(0, "", 0)
        with pytest.raises(Ended):
            trained(kind, kept, stop)
        total = TRAIN if loader == "train" else VALID
        assert kept.lines[-1] == f"fold 1/1  saved in epoch 2 after {loader} batch {batch} of {total}"
        again = trained(kind, Kept(copy.copy(kept.state)), rest)
        assert again.lines[0] == f"fold 1/1  continues in epoch 2 after {loader} batch {batch} of {total}"
        assert stop.trained + rest.trained == never.trained, "no batch is trained twice, none is left out"
        assert again.ticks == whole.ticks and kept.images + again.images == whole.images
        assert_same_values(again.load(), whole.load())


def test_a_second_stop_in_the_epoch_that_was_gone_on_with(trained) -> None:
    kind, stops = "EMA, accumulate 3", [StopAt(1, "train", 2), StopAt(1, "train", 4), StopAt(1, "valid", 1)]
    whole, kept, last = trained(kind, Kept(), StopAt(0, "", 0)), Kept(), StopAt(0, "", 0)
    for stop in stops:
        with pytest.raises(Ended):
            trained(kind, kept, stop)
    trained(kind, kept, last)
    assert [stop.trained for stop in (*stops, last)] == [2, 2, 4, 16] and kept.images == whole.images
    assert_same_values(kept.load(), whole.load())


def test_losses_that_are_not_finite_are_counted_across_a_stop() -> None:
    callback, after = FiniteLossCallback(5), FiniteLossCallback(5)
    callback.in_a_row, callback.unread = 3, [(4, torch.tensor(True), torch.tensor([1, 2]))]
    after.load_batch_state(callback.batch_state())
    assert after.in_a_row == 3 and after.unread == callback.unread


def test_several_processes_do_not_go_on_with_what_is_left_of_ones_epoch() -> None:
    runner = SimpleNamespace(engine=SimpleNamespace(num_processes=2), epoch_step=3)
    with pytest.raises(DataError, match="in the middle of epoch 3, .* one process, not 2, would be right"):
        load_batch_state(runner, {})


def test_several_processes_save_nothing_in_the_middle_of_an_epoch() -> None:
    """They may be a batch apart: the epoch is trained again."""
    stop, kept = StopAt(1, "train", 1), Kept()
    callback = StopCallback("fold 1/1", stop, None, kept.save, kept.lines.append)
    stop.asked = True
    with pytest.raises(Ended):
        callback.on_batch_end(SimpleNamespace(engine=SimpleNamespace(num_processes=2)))
    assert kept.state is None and not kept.lines
