"""What a run takes from elsewhere than its data: further training images, and the epochs that another run found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import DataError
from data.metadata import ImageData
from data.training_rows import ExtraRows
from data.whole_train_set import WholeTrainSet, fold_count
from runners.experiment import Experiment, build
from runners.source_run import read_source_run

COLUMNS = ["fold", "image_id", "path", "person", "target"]


class Source(Protocol):
    """What `extra_data` declares."""

    def for_folds(
        self, data: ImageData, validated: Sequence[Collection[str]], most: int | None = None
    ) -> list[ExtraRows]:
        """Rows for each fold to train on, made without what they could give away of the persons that it validates."""


@dataclass(frozen=True)
class Sources:
    """extras: for each fold, what each entry of `extra_data` gives. epochs: of a final fit, where a run found them.

    origin: all of that as JSON, empty where nothing is taken from elsewhere.
    """

    extras: tuple[tuple[ExtraRows, ...], ...] = ()
    epochs: int | None = None
    origin: dict[str, Any] = field(default_factory=dict)

    def of_fold(self, number: int) -> tuple[ExtraRows, ...]:
        """What fold `number` is given."""
        return self.extras[number] if self.extras else ()

    def table(self) -> pd.DataFrame:
        """Every row from elsewhere with the fold that trains on it: fold, image_id, path, person, target."""
        tables = [
            extra.rows.table.assign(fold=number)[COLUMNS] for number, fold in enumerate(self.extras) for extra in fold
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)

    def outside(self, data: ImageData) -> list[str]:
        """Absolute paths of the images that are not below the data's root."""
        own = {*data.train["path"].tolist(), *data.test["path"].tolist()}
        return list(dict.fromkeys(path for path in self.table()["path"] if path not in own))


NOTHING = Sources()


def read_sources(experiment: Experiment, data: ImageData, folds: NDArray[np.int64], *, fast: bool = False) -> Sources:
    """Everything that `extra_data` and a final fit's split name; folds (N,) validates each training image.

    fast: a batch of each source. Raises DataError for a source that is not there, was changed, or would give away what
    a fold validates.
    """
    persons, count = data.train["person"].to_numpy(), fold_count(experiment.split, folds)
    validated = [frozenset(persons[folds == number]) for number in range(count)]
    most = experiment.batch_size if fast else None
    given = [build(f"extra_data[{at}]", each) for at, each in enumerate(experiment.extra_data)]
    by_source = [_numbered(source.for_folds(data, validated, most), at) for at, source in enumerate(given)]
    extras = tuple(zip(*by_source, strict=True))
    origin: dict[str, Any] = {}
    if extras:
        origin["extra_data"] = [[extra.origin for extra in rows] for rows in by_source]
    epochs = None
    if experiment.split.func is WholeTrainSet and experiment.split.keywords["epochs_of"] is not None:
        epochs, origin["epochs"] = found_epochs(experiment.split.keywords["epochs_of"])
        if epochs > experiment.epochs and not fast:
            raise DataError(
                f"epochs is {experiment.epochs}, and split's epochs_of found {epochs}: epochs, and a schedule, as of "
                f"the run it found them in ({origin['epochs']['run']}) would be right."
            )
        epochs = min(epochs, experiment.epochs)
        origin["epochs"]["epochs"] = epochs
    return Sources(extras, epochs, origin)


def found_epochs(path: str) -> tuple[int, dict[str, Any]]:
    """The median of the best epochs of a finished run's folds, halves rounded up; and where it is from."""
    source = read_source_run(path, "split's epochs_of")
    if (source.folds["fold"] < 0).all():
        raise DataError(f"split's epochs_of: {source.run.root} validated nothing, so it has no best epoch.")
    if source.is_probe:
        raise DataError(
            f"split's epochs_of: {source.run.root} is a linear probe, which has no epochs: the run of an experiment "
            "that trains its network would be right."
        )
    best = [int(fold["best_epoch"]) for fold in source.predictions]
    median = int(np.floor(np.median(best) + 0.5))
    return median, {"run": source.name, "best_epochs": best}


def _numbered(rows: list[ExtraRows], source: int) -> list[ExtraRows]:
    """Rows whose image ids say which entry of `extra_data` they are of: unlike any other image's."""
    numbered = []
    for each in rows:
        table = each.rows.table
        table = table.assign(image_id=f"extra_data[{source}]/" + table["image_id"])
        numbered.append(replace(each, rows=replace(each.rows, table=table)))
    return numbered
