"""An experiment: one frozen value that says everything about what is trained, and nothing about where."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal

from callbacks.declared_metrics import check_metrics
from callbacks.monitor import Monitor
from data.errors import DataError
from runners.criterion_schedule import check_criterion, criterion_schedule, from_json
from runners.declared_ages import check_ages
from runners.declared_average import check_average
from runners.precision import Precision
from runners.record import from_record, to_record

Factory = partial[Any]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The declaration of a run. Every hyper-parameter is stated, so the difference of two files is the experiment.

    Factories are ``functools.partial`` with keywords only; the runner adds what only it knows: the model gets
    `num_classes`, the optimizer the parameters, the scheduler the optimizer. What asks for it gets: a criterion its
    fold's `class_counts` and the model's `logit_scale` and `age_spread`, a scheduler its fold's `total_steps`, a
    sampler its fold's training `table` and the `class_names`.

    Raises DataError for a value that cannot hold or cannot be recorded; TypeError for a misspelt field.
    """

    name: str  # equals the file's stem
    parent: str | None  # the experiment it was copied from
    seed: int
    split: Factory  # data.splits; persons are never in two folds
    corrections: str | None  # CSV of label corrections, each with its reason
    extra_data: tuple[Factory, ...]  # trained on besides: ExternalImages, PseudoLabels; (): nothing
    age_boundary: Factory | None  # of training rows near 60 years: drop_ages, soften_ages; None: as they are
    epochs: int  # at most; early stopping may end a fold before
    batch_size: int  # images a forward pass
    accumulate: int  # batches an optimizer step
    clip_norm: float | None  # largest norm of the gradients of a step
    model: Factory
    freeze_epochs: int  # first epochs, in which only the head is trained
    criteria: Mapping[str, Factory]  # by name
    criterion: str | Mapping[str, float] | Mapping[int, str | Mapping[str, float]]  # name, {name: weight}, or by epoch
    parameters: Factory | None  # groups of the model's parameters, by depth or kind; None: all alike
    optimizer: Factory
    scheduler: Factory | None
    schedule_every: Literal["epoch", "step"]  # when the scheduler is stepped
    sampler: Factory | None  # which images an epoch takes; None: each once, shuffled
    train_transform: Factory
    mix: Factory | None  # of the images of a training batch with each other, targets too; None: they stay apart
    valid_transform: Factory
    metrics: Mapping[str, Callable[..., Any]]  # logged every epoch, by name, beside loss, F1, accuracy ...
    monitor: tuple[str, Literal["max", "min"]]  # the validation metric that picks the best epoch, and its direction
    patience: int  # epochs without improvement before a fold stops
    average: Factory | None  # of a fold's weights, which are validated and predict; None: they stay as trained
    precision: Precision  # in training: "no" (float32), "bf16" or "fp16" where that is enough; predictions are float32
    compile: bool  # whether the network is trained through torch.compile; predictions are made without
    activation: Callable[..., Any]  # from logits to probabilities, as the criteria train them: softmax, one_vs_rest
    tta: tuple[Callable[..., Any], ...]  # views whose probabilities are averaged at inference

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_factories()
        if len(self.monitor) != 2 or self.monitor[1] not in ("max", "min"):
            raise DataError(f'monitor is {self.monitor!r}: a metric and "max" or "min" would be right.')
        check_metrics(self.metrics, self.monitor[0])
        check_average(self.average, self.epochs, self.patience, self.monitor[0])
        check_criterion(self.criterion, self.criteria, self.epochs, self.monitor[0])
        check_ages(self.model, self.criteria, self.metrics, self.mix)
        self._check_head()
        self._check_activation()
        self._check_scheduler()
        if self.mix is not None and self.batch_size == 1:
            raise DataError("mix is declared and batch_size is 1: an image has no other to be mixed with.")
        if self.precision not in ("no", "bf16", "fp16"):
            raise DataError(f'precision is {self.precision!r}: "no", "bf16" or "fp16" would be right.')
        if not isinstance(self.compile, bool):
            raise DataError(f"compile is {self.compile!r}: True or False would be right.")
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
        named = ("age_boundary", "parameters", "scheduler", "sampler", "mix", "average")
        optional = [name for name in named if getattr(self, name) is not None]
        if not isinstance(self.criteria, Mapping):
            raise DataError(f"criteria is {self.criteria!r}: a dict of functools.partial by name would be right.")
        factories = {name: getattr(self, name) for name in (*required, *optional)}
        factories |= {f"criteria[{name!r}]": factory for name, factory in self.criteria.items()}
        if not isinstance(self.extra_data, tuple):
            raise DataError(f"extra_data is {self.extra_data!r}: a tuple of functools.partial, or (), would be right.")
        factories |= {f"extra_data[{at}]": factory for at, factory in enumerate(self.extra_data)}
        for name, factory in factories.items():
            if not isinstance(factory, partial):
                raise DataError(f"{name} is {factory!r}: functools.partial of an imported function would be right.")

    def _check_head(self) -> None:
        """What concerns the network's last layer: how long it is trained alone, and what reads its logits."""
        frozen = self.freeze_epochs
        if not isinstance(frozen, int) or isinstance(frozen, bool) or not 0 <= frozen <= self.epochs:
            raise DataError(f"freeze_epochs is {frozen!r}: a whole number from 0 to epochs, {self.epochs}, is right.")
        declared = self.model.keywords
        if frozen and declared.get("pretrained", "other") is None:
            raise DataError(
                f"freeze_epochs is {frozen} and model has pretrained=None: random weights are of no use frozen; "
                "freeze_epochs=0, or weights, would be right."
            )
        for name, factory in self.criteria.items():
            if asks(factory, "logit_scale") and "logit_scale" not in declared:
                raise DataError(
                    f"criteria[{name!r}] puts its margin on cosines and model declares no logit_scale: "
                    "model=partial(cosine_classifier, logit_scale=..., ...) would be right."
                )

    def _check_activation(self) -> None:
        """Whether inference reads the logits as the criteria wrote them: as one choice of C, or as C binary ones."""
        from runners.activations import softmax  # here: a misspelt field need not wait for torch

        for name, factory in self.criteria.items():
            trained_for = getattr(factory.func, "activation", softmax)
            if trained_for is not self.activation:
                raise DataError(
                    f"criteria[{name!r}] is {factory.func.__qualname__}, which trains logits for "
                    f"{trained_for.__qualname__}, and activation is {getattr(self.activation, '__qualname__', '?')}: "
                    f"activation={trained_for.__qualname__}, or another criterion, would be right."
                )

    def _check_scheduler(self) -> None:
        scheduler = self.plateau
        if scheduler is None:
            return
        if self.schedule_every == "step":
            raise DataError(
                'scheduler is ReduceLROnPlateau, which waits for epochs: schedule_every="epoch" would be right.'
            )
        mode = scheduler.keywords.get("mode", "min")
        if mode != self.monitor[1]:
            raise DataError(
                f"scheduler takes {mode!r} for better and monitor {self.monitor[1]!r}: "
                f"partial(ReduceLROnPlateau, mode={self.monitor[1]!r}, ...) would be right."
            )

    @property
    def plateau(self) -> Factory | None:
        """The declared ReduceLROnPlateau, which waits for a score, also behind a warm-up; None where there is none."""
        scheduler = self.scheduler
        while scheduler and isinstance(scheduler.keywords.get("then"), partial):  # what follows a warm-up
            scheduler = scheduler.keywords["then"]
        return scheduler if scheduler and scheduler.func.__name__ == "ReduceLROnPlateau" else None

    @property
    def criterion_schedule(self) -> dict[int, dict[str, float]]:
        """{first epoch: {name of a criterion: its weight}}."""
        return criterion_schedule(self.criterion)

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
        return cls(**(values | {"criterion": from_json(values["criterion"])}))


def asks(factory: Factory, name: str) -> bool:
    """Whether a factory has a parameter that is not declared: the runner gives it what only it knows."""
    return name in inspect.signature(factory.func).parameters and name not in factory.keywords


def build(field: str, factory: Factory, *arguments: Any, **keywords: Any) -> Any:
    """What a declared factory makes; DataError names the field where it refuses the values it was declared with."""
    try:
        return factory(*arguments, **keywords)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, IndexError) as error:
        from runners.shortage import is_shortage  # here: a declaration need not wait for torch

        if is_shortage(error):
            raise
        name, reason = getattr(factory.func, "__qualname__", type(factory.func).__name__), " ".join(str(error).split())
        raise DataError(f"{field}: {name} refuses what was declared ({reason}).") from error
