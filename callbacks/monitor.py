"""Which number is watched and which way is better: the one place that decides what "best" means.

Everything is computed from the log of all epochs, so nothing about "best" has to be saved, restored or kept in step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from data.errors import DataError

Log = list[dict[str, float]]  # one row an epoch: {"epoch": 1, "train_loss": ..., "valid_f1": ...}

ALWAYS_LOGGED = ("loss", "f1", "accuracy", "precision", "recall")  # of every data set
LOGGED_OF_MASKS = ("f1_mask", "f1_gender", "f1_age", "f1_mask_age")  # of the mask competition's classes


@dataclass(frozen=True)
class Monitor:
    """Watches the validation loader's `metric`; `mode` says whether "max" or "min" is better."""

    metric: str
    mode: Literal["max", "min"]

    def values(self, log: Log) -> list[float]:
        """The watched number of every epoch; DataError names what the log holds where it lacks it."""
        key = f"valid_{self.metric}"
        if log and key not in log[-1]:
            available = ", ".join(name.removeprefix("valid_") for name in log[-1] if name.startswith("valid_"))
            raise DataError(f"monitor names {self.metric!r}, which is not logged; available: {available}.")
        return [row[key] for row in log]

    def best_epoch(self, log: Log) -> int | None:
        """Position (0-based) of the best epoch, the earliest among equals; None where none was finite.

        Weights that are NaN predict class 0 and get a finite F1: an epoch whose losses are not finite is never best.
        """
        return best_position(self._eligible(log), self.mode)

    def ranking(self, log: Log) -> list[int]:
        """Epochs (1-based) that could be the best, best first, the earliest among equals first."""
        values, sign = self._eligible(log), 1 if self.mode == "max" else -1
        finite = [index for index, value in enumerate(values) if math.isfinite(value)]
        return [index + 1 for index in sorted(finite, key=lambda index: (-sign * values[index], index))]

    def better(self, first: float, second: float) -> bool:
        """Whether the first of two numbers is the better one."""
        return first > second if self.mode == "max" else first < second

    def epochs_since_best(self, log: Log) -> int:
        """Epochs since the last improvement; all of them where nothing finite was ever seen."""
        best = self.best_epoch(log)
        return len(log) if best is None else len(log) - 1 - best

    def _eligible(self, log: Log) -> list[float]:
        """The watched number of every epoch, NaN where it does not count."""
        return [value if _finite_losses(row) else math.nan for row, value in zip(log, self.values(log), strict=True)]

    def improved(self, log: Log) -> bool:
        """Whether the last epoch is the best so far."""
        return bool(log) and self.best_epoch(log) == len(log) - 1


def best_position(values: Sequence[float], mode: Literal["max", "min"]) -> int | None:
    """Index of the best finite value, the first among equals: NaN and infinity never improve on anything."""
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    sign = 1 if mode == "max" else -1
    return max(finite, key=lambda index: (sign * values[index], -index), default=None)


def same_row(first: dict[str, float], second: dict[str, float]) -> bool:
    """Whether two rows of a log are the same; what is no number (the AUC of one class) is the same as itself."""
    if first.keys() != second.keys():
        return False
    pairs = [(first[name], second[name]) for name in first]
    return all(one == other or (math.isnan(one) and math.isnan(other)) for one, other in pairs)


def _finite_losses(row: dict[str, float]) -> bool:
    return all(math.isfinite(row.get(f"{loader}_loss", 0.0)) for loader in ("train", "valid"))


def log_row(runner: Any) -> dict[str, float]:
    """This epoch's row of the log, from a Catalyst runner's epoch metrics: loader and metric joined by "_"."""
    row: dict[str, float] = {"epoch": runner.epoch_step}
    row |= {name: float(value) for name, value in runner.epoch_metrics["_epoch_"].items()}
    for loader in ("train", "valid"):
        for name, value in runner.epoch_metrics.get(loader, {}).items():
            row[f"{loader}_{name}"] = float(value)
    return row
