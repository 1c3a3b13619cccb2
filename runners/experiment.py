"""An experiment: one frozen value that says everything about what is trained, and nothing about where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal

from callbacks.monitor import Monitor
from data.errors import DataError
from runners.record import from_record, to_record

Factory = partial[Any]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The declaration of a run. Every hyper-parameter is stated, so the difference of two files is the experiment.

    Factories are ``functools.partial`` with keywords only; the runner adds what only it knows: the model gets
    `num_classes`, the optimizer the parameters, the scheduler the optimizer, a criterion `class_counts` if it asks.

    Raises DataError for a value that cannot hold or cannot be recorded; TypeError for a misspelt field.
    """

    name: str  # equals the file's stem
    parent: str | None  # the experiment it was copied from
    seed: int
    split: Factory  # data.splits; persons are never in two folds
    corrections: str | None  # CSV of label corrections, each with its reason
    epochs: int  # at most; early stopping may end a fold before
    batch_size: int  # images a forward pass
    accumulate: int  # batches an optimizer step
    clip_norm: float | None  # largest norm of the gradients of a step
    model: Factory
    criteria: Mapping[str, Factory]  # by name
    criterion: str | Mapping[int, str]  # the name in use, or {first epoch: name}
    optimizer: Factory
    scheduler: Factory | None
    schedule_every: Literal["epoch", "step"]  # when the scheduler is stepped
    sampler: Factory | None  # which images an epoch takes; None: each once, shuffled
    train_transform: Factory
    valid_transform: Factory
    monitor: tuple[str, Literal["max", "min"]]  # the validation metric that picks the best epoch, and its direction
    patience: int  # epochs without improvement before a fold stops
    tta: tuple[Callable[..., Any], ...]  # views whose probabilities are averaged at inference

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_factories()
        if len(self.monitor) != 2 or self.monitor[1] not in ("max", "min"):
            raise DataError(f'monitor is {self.monitor!r}: a metric and "max" or "min" would be right.')
        self._check_criterion()
        self._check_scheduler()
        if self.schedule_every not in ("epoch", "step"):
            raise DataError(f'schedule_every is {self.schedule_every!r}: "epoch" or "step" would be right.')
        if not isinstance(self.tta, tuple) or not self.tta:
            raise DataError(f"tta is {self.tta!r}: a tuple of one view or more, such as (identity,), would be right.")
        self.record()

    def _check_numbers(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise DataError(f"{name} is {value!r}: a whole number from 1 on would be right.")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise DataError(f"seed is {self.seed!r}: a whole number from 0 to 2**32 - 1 would be right.")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise DataError(f"clip_norm is {self.clip_norm!r}: a number above 0, or None, would be right.")
        if not self.name.isidentifier():
            raise DataError(f"name is {self.name!r}: the file's stem would be right.")

    def _check_factories(self) -> None:
        required = ("split", "model", "optimizer", "train_transform", "valid_transform")
        optional = [name for name in ("scheduler", "sampler") if getattr(self, name) is not None]
        if not isinstance(self.criteria, Mapping):
            raise DataError(f"criteria is {self.criteria!r}: a dict of functools.partial by name would be right.")
        factories = {name: getattr(self, name) for name in (*required, *optional)}
        factories |= {f"criteria[{name!r}]": factory for name, factory in self.criteria.items()}
        for name, factory in factories.items():
            if not isinstance(factory, partial):
                raise DataError(f"{name} is {factory!r}: functools.partial of an imported function would be right.")

    def _check_scheduler(self) -> None:
        if self.scheduler is None or self.scheduler.func.__name__ != "ReduceLROnPlateau":
            return
        if self.schedule_every == "step":
            raise DataError(
                'scheduler is ReduceLROnPlateau, which waits for epochs: schedule_every="epoch" would be right.'
            )
        mode = self.scheduler.keywords.get("mode", "min")
        if mode != self.monitor[1]:
            raise DataError(
                f"scheduler takes {mode!r} for better and monitor {self.monitor[1]!r}: "
                f"partial(ReduceLROnPlateau, mode={self.monitor[1]!r}, ...) would be right."
            )

    def _check_criterion(self) -> None:
        if not isinstance(self.criterion, str | Mapping):
            raise DataError(f"criterion is {self.criterion!r}: a name, or a dict of names by epoch, would be right.")
        schedule = self.criterion_schedule
        if not schedule or min(schedule) != 1:
            raise DataError(f"criterion is {self.criterion!r}: it must say which criterion epoch 1 takes.")
        if max(schedule) > self.epochs:
            raise DataError(f"criterion switches at epoch {max(schedule)}, epochs is {self.epochs}: it never would.")
        if len(set(schedule.values())) > 1 and self.monitor[0] == "loss":
            raise DataError(
                "monitor is 'loss' and criterion switches: losses of two criteria can't be compared; a metric such as "
                "'f1' would be right."
            )
        for name in schedule.values():
            if name not in self.criteria:
                raise DataError(
                    f"criterion names {name!r}, which is not in criteria; available: {', '.join(self.criteria)}."
                )

    @property
    def criterion_schedule(self) -> dict[int, str]:
        """{first epoch: name of the criterion}."""
        return {1: self.criterion} if isinstance(self.criterion, str) else dict(self.criterion)

    @property
    def watched(self) -> Monitor:
        """The monitored number as the callbacks take it."""
        return Monitor(*self.monitor)

    def record(self) -> dict[str, Any]:
        """All resolved values as JSON; DataError names a field that cannot be recorded."""
        return {field.name: to_record(getattr(self, field.name), field.name) for field in fields(self)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Experiment":
        """The experiment of an ``experiment.json``; imports what it names, so read only records you trust."""
        values = {name: from_record(value) for name, value in record.items()}
        if isinstance(values["criterion"], dict):  # JSON has no whole numbers as keys
            values["criterion"] = {int(epoch): name for epoch, name in values["criterion"].items()}
        return cls(**values)


def build(field: str, factory: Factory, *arguments: Any, **keywords: Any) -> Any:
    """What a declared factory makes; DataError names the field where it refuses the values it was declared with."""
    try:
        return factory(*arguments, **keywords)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, IndexError) as error:
        name, reason = getattr(factory.func, "__qualname__", type(factory.func).__name__), " ".join(str(error).split())
        raise DataError(f"{field}: {name} refuses what was declared ({reason}).") from error
