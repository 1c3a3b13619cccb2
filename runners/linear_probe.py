"""A linear probe: one frozen value that says everything about a run which trains no network, only a linear layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar

from callbacks.declared_metrics import check_metrics
from data.errors import DataError
from runners.experiment import Experiment, Factory
from runners.record import from_record, to_record


@dataclass(frozen=True, kw_only=True)
class LinearProbe:
    """The declaration of a run whose backbone stays as it is: its features are computed once, for all folds.

    In each fold a linear classifier is fitted to the standardised features of the training images, as each view of
    `tta` shows them, and takes the place of the network's last layer. Fields are named as in Experiment.

    Raises DataError for a value that cannot hold or cannot be recorded; TypeError for a misspelt field.
    """

    name: str  # equals the file's stem
    parent: str | None  # the experiment it was copied from
    seed: int
    split: Factory  # data.splits; persons are never in two folds
    corrections: str | None  # CSV of label corrections, each with its reason
    batch_size: int  # images a forward pass
    model: Factory  # pretrained; its last layer is replaced
    classifier: Factory  # of scikit-learn, with coef_ and intercept_: LogisticRegression
    valid_transform: Factory  # of all images: nothing is augmented
    metrics: Mapping[str, Callable[..., Any]]  # by name, beside F1, accuracy ...
    tta: tuple[Callable[..., Any], ...]  # views that are fitted to, and whose probabilities are averaged

    # What a run reads of an Experiment and no probe declares
    age_boundary: ClassVar[None] = None  # training rows are as they are
    epochs: ClassVar[int] = 1
    monitor: ClassVar[tuple[str, str]] = ("f1", "max")  # there is that one to choose from

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise DataError(f"name is {self.name!r}: the file's stem would be right.")
        for field, least in (("seed", 0), ("batch_size", 1)):
            value = getattr(self, field)
            if type(value) is not int or not least <= value < 2**32:
                raise DataError(f"{field} is {value!r}: a whole number from {least} on would be right.")
        for field in ("split", "model", "classifier", "valid_transform"):
            if not isinstance(getattr(self, field), partial):
                raise DataError(
                    f"{field} is {getattr(self, field)!r}: functools.partial of an imported function would be right."
                )
        if not isinstance(self.tta, tuple) or not self.tta:
            raise DataError(f"tta is {self.tta!r}: a tuple of one view or more, such as (identity,), would be right.")
        if self.model.keywords.get("pretrained", "other") is None:
            raise DataError("model has pretrained=None: a linear probe of random weights tells nothing of images.")
        check_metrics(self.metrics, monitor="f1")
        self.record()

    @property
    def train_transform(self) -> Factory:
        """Of training images, which are made as all others."""
        return self.valid_transform

    def record(self) -> dict[str, Any]:
        """All resolved values as JSON; DataError names a field that cannot be recorded."""
        return {field.name: to_record(getattr(self, field.name), field.name) for field in fields(self)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "LinearProbe":
        """The declaration of an ``experiment.json``; imports what it names, so read only records you trust."""
        return cls(**{name: from_record(value) for name, value in record.items()})


Declaration = Experiment | LinearProbe  # what a run can be made of
