"""Learning-rate schedules that torch lacks as one factory: a warm-up before any of its own, and lengths by the fold.

A schedule's steps are what `schedule_every` says, epochs or optimizer steps. A factory with a parameter `total_steps`
that is not declared gets the fold's number of them, as torch's OneCycleLR; no declaration has to know it.
"""

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, ReduceLROnPlateau, SequentialLR

from data.errors import DataError
from runners.experiment import Experiment, Factory, asks, build


def cosine(optimizer: Optimizer, *, total_steps: int, eta_min: float) -> CosineAnnealingLR:
    """Half a cosine from the optimizer's rate down to `eta_min`, over the whole fold (Loshchilov & Hutter 2017)."""
    return CosineAnnealingLR(optimizer, T_max=total_steps, eta_min=eta_min)


def one_cycle(
    optimizer: Optimizer, *, total_steps: int, pct_start: float, div_factor: float, final_div_factor: float
) -> OneCycleLR:
    """torch's OneCycleLR (Smith & Topin 2018) whose peak is each group's own rate, as the optimizer states it.

    torch's takes one `max_lr` for all, in place of the optimizer's, and would undo rates by depth. Momentum stays.
    """
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total_steps,
        pct_start=pct_start,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        cycle_momentum=False,
    )


def warm_up(
    optimizer: Optimizer, *, share: float, start_factor: float, then: Factory, total_steps: int
) -> "SequentialLR | PlateauAfterWarmUp":
    """Rates that rise in a straight line from `start_factor` of their value, then the schedule `then` from its start.

    share: of the fold's steps, one step at least (0.25 of 12 epochs: the first three are below the full rate); a share
    holds whatever the size of a fold. `then` may be any factory, also one that takes total_steps: what is left of them.
    ValueError for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}: a number between 0 and 1, such as 0.1, would be right")
    steps = max(1, round(share * total_steps))
    rise = LinearLR(optimizer, start_factor=start_factor, total_iters=steps)
    after = then(optimizer, **_length(then, max(1, total_steps - steps)))
    if isinstance(after, ReduceLROnPlateau):
        return PlateauAfterWarmUp(rise, after, steps)
    return SequentialLR(optimizer, [rise, after], milestones=[steps])


class PlateauAfterWarmUp:
    """What SequentialLR refuses: `steps` epochs of a warm-up, then ReduceLROnPlateau, which has seen none of them."""

    def __init__(self, rise: LinearLR, plateau: ReduceLROnPlateau, steps: int) -> None:
        self.rise, self.plateau, self.steps = rise, plateau, steps

    def step(self, metrics: float) -> None:
        """Go on by one epoch, whose monitored number is `metrics`."""
        if self.rise.last_epoch < self.steps:
            self.rise.step()
        else:
            self.plateau.step(metrics)

    def state_dict(self) -> dict[str, Any]:
        """State of both."""
        return {"rise": self.rise.state_dict(), "plateau": self.plateau.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.rise.load_state_dict(state["rise"])
        self.plateau.load_state_dict(state["plateau"])


def make_scheduler(experiment: Experiment, optimizer: Optimizer, batches: int) -> Any:
    """The declared schedule, None where there is none, over a fold whose epochs have so many training `batches`.

    DataError where it would give one rate to groups of parameters that have rates of their own.
    """
    scheduler = experiment.scheduler
    if scheduler is None:
        return None
    by_epoch = experiment.schedule_every == "epoch"
    total_steps = experiment.epochs * (1 if by_epoch else -(-batches // experiment.accumulate))
    declared = [group["lr"] for group in optimizer.param_groups]
    made = build("scheduler", scheduler, optimizer, **_length(scheduler, total_steps))
    scales = [
        group.get("initial_lr", rate) / rate for group, rate in zip(optimizer.param_groups, declared, strict=True)
    ]
    if max(scales) > min(scales) * (1 + 1e-6):
        raise DataError(
            f"scheduler: {scheduler.func.__name__} gives all groups of parameters one rate, and parameters gives each "
            "its own: partial(one_cycle, ...), or another schedule, would be right."
        )
    return made


def _length(factory: Factory, total_steps: int) -> dict[str, int]:
    """The fold's length for a schedule that asks for it and has been told none."""
    told = {"epochs", "steps_per_epoch"} <= set(factory.keywords)  # the other way to tell OneCycleLR
    return {"total_steps": total_steps} if asks(factory, "total_steps") and not told else {}
