from functools import partial

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from data.errors import DataError
from runners.schedulers import PlateauAfterWarmUp, cosine, make_scheduler, one_cycle, warm_up

ONE_CYCLE = partial(one_cycle, pct_start=0.3, div_factor=25.0, final_div_factor=1e4)


def optimizer(*rates: float) -> SGD:
    return SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in rates or (0.1,)], momentum=0.9)


def trace(scheduler, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(("every", "accumulate", "steps"), [("epoch", 2, 3), ("step", 2, 3 * 4), ("step", 1, 3 * 7)])
def test_a_schedule_that_asks_is_told_its_folds_steps(declare, every: str, accumulate: int, steps: int) -> None:
    """Three epochs of seven batches; the last window of an epoch may be shorter."""
    fields = {"schedule_every": every, "accumulate": accumulate}
    for scheduler in (ONE_CYCLE, partial(lr_scheduler.OneCycleLR, max_lr=0.1)):
        made = make_scheduler(declare(scheduler=scheduler, **fields), optimizer(), batches=7)
        assert made.total_steps == steps
    assert make_scheduler(declare(scheduler=partial(cosine, eta_min=0.0), **fields), optimizer(), 7).T_max == steps


def test_a_schedule_that_has_been_told_is_left_alone(declare) -> None:
    for told in ({"total_steps": 50}, {"epochs": 5, "steps_per_epoch": 10}):
        scheduler = partial(lr_scheduler.OneCycleLR, max_lr=0.1, **told)
        assert make_scheduler(declare(scheduler=scheduler), optimizer(), batches=7).total_steps == 50
    assert make_scheduler(declare(scheduler=None), optimizer(), batches=7) is None


def test_what_follows_a_warm_up_is_told_the_steps_that_are_left(declare) -> None:
    scheduler = partial(warm_up, share=0.25, start_factor=0.1, then=partial(cosine, eta_min=0.0))
    made = make_scheduler(declare(scheduler=scheduler, schedule_every="step", accumulate=1, epochs=4), optimizer(), 5)
    rates = trace(made, 20)
    assert rates[0] == pytest.approx(0.01) and max(rates) == rates[5] == 0.1, "the full rate after 5 of 20 steps"
    assert rates[5:] == pytest.approx(trace(lr_scheduler.CosineAnnealingLR(optimizer(), T_max=15), 15))


@pytest.mark.parametrize("epochs", [1, 2, 3])
@pytest.mark.parametrize("then", [ONE_CYCLE, partial(cosine, eta_min=0.0), partial(lr_scheduler.StepLR, step_size=2)])
def test_a_trial_of_a_step_or_two_goes_through(declare, epochs: int, then) -> None:
    """What --fast makes of a fold."""
    for scheduler in (then, partial(warm_up, share=0.1, start_factor=0.1, then=then)):
        fields = {"scheduler": scheduler, "schedule_every": "step", "epochs": epochs, "criterion": "ce"}
        trace(make_scheduler(declare(**fields), optimizer(), batches=1), epochs - 1)


def test_one_cycle_goes_up_to_each_groups_own_rate(declare) -> None:
    made = make_scheduler(declare(scheduler=ONE_CYCLE, epochs=40), optimizer(0.1, 0.05), batches=1)
    rates = []
    for _ in range(40):
        rates.append([group["lr"] for group in made.optimizer.param_groups])
        made.optimizer.step()
        if len(rates) < 40:
            made.step()
    assert [max(group) for group in zip(*rates, strict=True)] == pytest.approx([0.1, 0.05])
    assert all(first == pytest.approx(2 * second) for first, second in rates)
    assert {group["momentum"] for group in made.optimizer.param_groups} == {0.9}


def test_one_rate_for_groups_that_have_their_own_is_refused(declare) -> None:
    scheduler = partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=9)
    with pytest.raises(
        DataError, match="scheduler: OneCycleLR gives all groups of parameters one rate, and parameters"
    ):
        make_scheduler(declare(scheduler=scheduler), optimizer(0.1, 0.05), batches=1)
    assert make_scheduler(declare(scheduler=scheduler), optimizer(0.3, 0.3), batches=1)


def test_a_plateau_after_a_warm_up_is_one_schedule_of_two(declare) -> None:
    then = partial(lr_scheduler.ReduceLROnPlateau, mode="max", factor=0.5, patience=0)
    scheduler = partial(warm_up, share=0.5, start_factor=0.5, then=then)
    made = make_scheduler(declare(scheduler=scheduler, epochs=4), optimizer(), batches=1)
    assert isinstance(made, PlateauAfterWarmUp)
    rates = []
    for value in (0.9, 0.8, 0.7, 0.6):  # the first two fall in the warm-up: the third is the plateau's first
        rates.append(made.plateau.optimizer.param_groups[0]["lr"])
        made.rise.optimizer.step()
        made.step(value)
    assert [*rates, made.plateau.optimizer.param_groups[0]["lr"]] == pytest.approx([0.05, 0.075, 0.1, 0.1, 0.05])


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1])
def test_a_share_is_between_0_and_1(declare, share: float) -> None:
    scheduler = partial(warm_up, share=share, start_factor=0.1, then=ONE_CYCLE)
    with pytest.raises(DataError, match=f"scheduler: warm_up refuses .*share is {share}: a number between 0 and 1"):
        make_scheduler(declare(scheduler=scheduler), optimizer(), batches=1)
