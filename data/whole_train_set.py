"""The split of a final fit: every image is trained on and none is validated, as often as there are fits."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import DataError


@dataclass(frozen=True)
class WholeTrainSet:
    """`fits` networks, each trained on all images with a seed of its own; their test probabilities are averaged.

    epochs_of: a finished run, "runs/<experiment>" for its newest one or the folder of one; each fit ends after the
    median of that run's best epochs, on the schedule that `epochs` declares. None: after `epochs`.
    Nothing is validated, so nothing is picked: the weights after the last epoch are the model, and `monitor` and
    `patience` have no say.
    """

    fits: int
    epochs_of: str | None

    def __post_init__(self) -> None:
        if not isinstance(self.fits, int) or isinstance(self.fits, bool) or self.fits < 1:
            raise DataError(f"fits is {self.fits!r}: a whole number from 1 on would be right.")

    def assign(self, table: pd.DataFrame, *, seed: int) -> NDArray[np.int64]:
        """-1 for each image, shape (N,): never validated. DataError where there is none."""
        if table.empty:
            raise DataError("The data has no training image: a fit needs one at least.")
        return np.full(len(table), -1, np.int64)


def fold_count(split: "partial[Any]", folds: NDArray[np.int64]) -> int:
    """How many networks a run trains: one for each fold of folds (N,), or the declared fits where none validates."""
    return int(split.keywords["fits"]) if split.func is WholeTrainSet else int(folds.max()) + 1
