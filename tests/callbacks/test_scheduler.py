import copy
from functools import partial

import pytest
import torch
from torch.optim import lr_scheduler

from callbacks.checkpoint import CheckpointCallback
from callbacks.monitor import Monitor
from callbacks.scheduler import SchedulerCallback
from runners.schedulers import cosine, one_cycle, warm_up

EPOCHS, BATCHES = 10, 8  # 60 images in batches of 8
AFTER_A_RISE = [
    partial(lr_scheduler.StepLR, step_size=2, gamma=0.3),
    partial(lr_scheduler.MultiStepLR, milestones=[1, 4], gamma=0.1),
    partial(lr_scheduler.CosineAnnealingLR, T_max=EPOCHS),
    partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=2, T_mult=2),
    partial(lr_scheduler.OneCycleLR, max_lr=0.5, total_steps=EPOCHS * BATCHES, cycle_momentum=False),
    partial(lr_scheduler.ExponentialLR, gamma=0.7),
]


def warmed(optimizer, then, steps: int = 3):
    """torch's own way to say it."""
    rise = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=steps)
    return lr_scheduler.SequentialLR(optimizer, [rise, then(optimizer)], milestones=[steps])


def ours_warmed(optimizer, then, total: int, steps: int = 3):
    return warm_up(optimizer, share=steps / total, start_factor=0.1, then=then, total_steps=total)


WARMED = [partial(ours_warmed, then=factory, total=EPOCHS) for factory in AFTER_A_RISE]
EITHER = [(factory, factory) for factory in AFTER_A_RISE] + [
    (factory, partial(warmed, then=factory.keywords["then"])) for factory in WARMED
]
BY_EPOCH = [
    *EITHER,
    (
        partial(cosine, total_steps=EPOCHS, eta_min=0.01),
        partial(lr_scheduler.CosineAnnealingLR, T_max=EPOCHS, eta_min=0.01),
    ),
    (
        partial(one_cycle, total_steps=EPOCHS + 1, pct_start=0.3, div_factor=25.0, final_div_factor=1e4),
        partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=EPOCHS + 1, pct_start=0.3, cycle_momentum=False),
    ),
]


def name(value) -> str:
    then = getattr(value, "keywords", {}).get("then")
    return f"warm-up, {then.func.__name__}" if then else value.func.__name__


@pytest.fixture
def lr_trace():
    """An optimizer that notes the learning rate of each of its steps."""
    trace: list[float] = []

    class Recorder(torch.optim.SGD):
        def step(self, closure=None):
            trace.append(self.param_groups[0]["lr"])
            return super().step(closure)

    return trace, Recorder


@pytest.mark.parametrize(("make_scheduler", "torchs"), BY_EPOCH, ids=name)
def test_the_trace_by_epoch_equals_torch(train, plain_loop, lr_trace, make_scheduler, torchs) -> None:
    trace, optimizer = lr_trace
    callback = SchedulerCallback("epoch", 1, Monitor("f1", "max"))
    runner = train(extra=[callback], epochs=EPOCHS, make_scheduler=make_scheduler, optimizer=optimizer)
    _, reference = plain_loop(epochs=EPOCHS, make_scheduler=torchs)
    assert trace == reference
    assert len(set(trace)) > 1  # a schedule that is never stepped would be flat
    assert [row["lr"] for row in runner.history] == reference[::BATCHES]


@pytest.mark.parametrize(("make_scheduler", "torchs"), EITHER, ids=name)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_trace_by_step_equals_torch_also_under_accumulation(
    train, plain_loop, lr_trace, make_scheduler, torchs, accumulate: int
) -> None:
    """A window of 2 batches is one step: an epoch of 3 has 2 of them, the last one shorter."""
    trace, optimizer = lr_trace
    train(
        images=24,
        extra=[SchedulerCallback("step", accumulate, Monitor("f1", "max"))],
        epochs=EPOCHS,
        accumulate=accumulate,
        make_scheduler=make_scheduler,
        optimizer=optimizer,
    )
    steps = EPOCHS * -(-3 // accumulate)
    _, reference = plain_loop(epochs=1, images=8 * (steps - 1), make_scheduler=torchs, every="step")
    assert trace[:-1] == reference and len(trace) == steps  # OneCycleLR has no rate beyond its last step
    assert len(set(trace)) > 2


@pytest.mark.parametrize(("every", "stop_after"), [("epoch", 2), ("epoch", 5), ("step", 1)])
@pytest.mark.parametrize("make_scheduler", [AFTER_A_RISE[4], *WARMED], ids=name)
def test_a_continued_run_has_the_rest_of_the_trace(
    train, lr_trace, tmp_path, make_scheduler, every: str, stop_after: int
) -> None:
    """Through a file that holds tensors and plain values only."""
    trace, optimizer = lr_trace
    file = tmp_path / "state.pth"

    def run(epochs: int) -> list[float]:
        checkpoint = CheckpointCallback(
            Monitor("f1", "max"),
            config={},
            save_state=lambda state: torch.save(state, file),
            save_best=lambda _: None,
            save_log=lambda _: None,
            load_state=lambda: torch.load(file, weights_only=True) if file.exists() else None,
        )
        trace.clear()
        train(
            extra=[SchedulerCallback(every, 2, Monitor("f1", "max")), checkpoint],
            images=24,
            epochs=epochs,
            accumulate=2,
            make_scheduler=make_scheduler,
            optimizer=optimizer,
        )
        return list(trace)

    whole = run(EPOCHS)
    file.unlink()
    assert run(stop_after) + run(EPOCHS) == whole


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


@pytest.mark.parametrize("stop_after", [1, 2, 3, 6])
def test_a_plateau_after_a_warm_up_sees_the_numbers_of_after_it(train, lr_trace, stop_after: int) -> None:
    """torch's SequentialLR refuses ReduceLROnPlateau; here the one is stepped for two epochs, then the other."""
    trace, optimizer = lr_trace
    plateau = partial(lr_scheduler.ReduceLROnPlateau, mode="max", patience=0, factor=0.5)
    saved: list[dict] = []

    def run(epochs: int, state: dict | None) -> list[dict[str, float]]:
        checkpoint = CheckpointCallback(
            Monitor("f1", "max"),
            config={},
            save_state=lambda state: saved.append(copy.deepcopy(state)),
            save_best=lambda _: None,
            save_log=lambda _: None,
            load_state=lambda: state,
        )
        runner = train(
            extra=[SchedulerCallback("epoch", 1, Monitor("f1", "max")), checkpoint],
            epochs=epochs,
            make_scheduler=partial(ours_warmed, then=plateau, total=EPOCHS, steps=2),
            optimizer=optimizer,
            lr=2.0,
        )
        return runner.history

    history = run(EPOCHS, None)
    reference = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    rise = lr_scheduler.LinearLR(reference, start_factor=0.1, total_iters=2)
    schedule, expected = plateau(reference), []
    for epoch, row in enumerate(history):
        expected.append(reference.param_groups[0]["lr"])
        if epoch < 2:
            rise.step()
        else:
            schedule.step(row["valid_f1"])
    assert [row["lr"] for row in history] == expected
    assert expected[0] == pytest.approx(0.2) and expected[2] == pytest.approx(2.0) and expected[-1] < 2.0
    assert run(EPOCHS, saved[stop_after - 1]) == history


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
