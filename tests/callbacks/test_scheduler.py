from functools import partial

import pytest
import torch
from torch.optim import lr_scheduler

from callbacks.monitor import Monitor
from callbacks.scheduler import SchedulerCallback

EPOCHS = 6
BY_EPOCH = [
    partial(lr_scheduler.StepLR, step_size=2, gamma=0.3),
    partial(lr_scheduler.CosineAnnealingLR, T_max=EPOCHS),
    partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=2),
    partial(lr_scheduler.MultiStepLR, milestones=[1, 4], gamma=0.1),
]


@pytest.fixture
def lr_trace():
    """An optimizer that notes the learning rate of each of its steps."""
    trace: list[float] = []

    class Recorder(torch.optim.SGD):
        def step(self, closure=None):
            trace.append(self.param_groups[0]["lr"])
            return super().step(closure)

    return trace, Recorder


@pytest.mark.parametrize("make_scheduler", BY_EPOCH, ids=lambda factory: factory.func.__name__)
def test_the_trace_by_epoch_equals_torch(train, plain_loop, lr_trace, make_scheduler) -> None:
    trace, optimizer = lr_trace
    callback = SchedulerCallback("epoch", 1, Monitor("f1", "max"))
    runner = train(extra=[callback], epochs=EPOCHS, make_scheduler=make_scheduler, optimizer=optimizer)
    _, reference = plain_loop(epochs=EPOCHS, make_scheduler=make_scheduler)
    assert trace == reference
    assert len(set(trace)) > 1  # a schedule that is never stepped would be flat
    assert [row["lr"] for row in runner.history] == reference[::8]


def test_by_step_it_follows_the_optimizer_not_the_batches(train, lr_trace) -> None:
    trace, optimizer = lr_trace
    steps = 3 * 3  # 8 batches an epoch in windows of 3, 3 and 2
    make_scheduler = partial(lr_scheduler.OneCycleLR, max_lr=0.5, total_steps=steps)
    train(
        extra=[SchedulerCallback("step", 3, Monitor("f1", "max"))],
        epochs=3,
        accumulate=3,
        make_scheduler=make_scheduler,
        optimizer=optimizer,
    )
    parameter = torch.nn.Parameter(torch.zeros(1))
    reference = torch.optim.SGD([parameter], lr=0.1)
    schedule, expected = make_scheduler(reference), []
    for step in range(steps):
        expected.append(reference.param_groups[0]["lr"])
        reference.step()
        if step < steps - 1:
            schedule.step()
    assert trace == expected


def test_reduce_on_plateau_gets_the_monitored_number(train, lr_trace) -> None:
    trace, optimizer = lr_trace
    make_scheduler = partial(lr_scheduler.ReduceLROnPlateau, mode="max", patience=0, factor=0.5)
    runner = train(
        extra=[SchedulerCallback("epoch", 1, Monitor("f1", "max"))],
        epochs=EPOCHS,
        make_scheduler=make_scheduler,
        optimizer=optimizer,
        lr=2.0,
    )
    reference = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule, expected = make_scheduler(reference), []
    for row in runner.history:
        expected.append(reference.param_groups[0]["lr"])
        schedule.step(row["valid_f1"])
    assert [row["lr"] for row in runner.history] == expected
    assert len(set(expected)) > 1


def test_catalyst_alone_never_steps_a_schedule(plain_loop) -> None:
    """Its own callback is added only for a base class that torch's schedulers no longer have."""
    from catalyst.typing import TorchScheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    assert not isinstance(lr_scheduler.StepLR(optimizer, 1), TorchScheduler)


def test_a_schedule_that_is_too_short_is_one_sentence(train) -> None:
    from data.errors import DataError

    def one_cycle(optimizer):
        return lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=4)

    with pytest.raises(DataError, match="scheduler: OneCycleLR refuses another step in epoch 1 of 3 .*length in steps"):
        train(extra=[SchedulerCallback("step", 1, Monitor("f1", "max"))], make_scheduler=one_cycle)
