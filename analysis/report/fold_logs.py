"""The log of each fold of a run: losses and scores by epoch, read from fold_<k>/metrics.csv."""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.comparison.finished_run import FinishedRun
from data.csv_rows import read_rows
from data.errors import DataError
from data.findings import raise_first
from runners.run_folder import RunFolder

LOSSES = ("train_loss", "valid_loss")
SCORES = ("train_f1", "valid_f1")


@dataclass(frozen=True)
class FoldLog:
    """One fold: columns (E,) by name, a value an epoch; NaN where a cell is empty."""

    fold: int
    epochs: list[int]
    values: dict[str, list[float]]  # train_loss, valid_loss, train_f1, valid_f1, ...
    best_epoch: int  # whose weights predicted the fold

    def at_best(self, column: str) -> float:
        """A column's value at the best epoch, NaN where either is missing."""
        if self.best_epoch not in self.epochs or column not in self.values:
            return math.nan
        return self.values[column][self.epochs.index(self.best_epoch)]


def read_fold_logs(run: FinishedRun) -> tuple[FoldLog, ...]:
    """Logs of a run's folds; a fold without a metrics.csv (an ensemble's) is left out.

    Raises DataError, naming file and row, where a cell is no number.
    """
    return tuple(
        _read(run.folder, fold.fold, fold.best_epoch)
        for fold in run.folds
        if run.folder.fold(fold.fold).metrics.exists()
    )


def _read(run: RunFolder, fold: int, best_epoch: int) -> FoldLog:
    path = run.fold(fold).metrics
    rows, findings = read_rows(path, ("epoch",))
    raise_first(findings)
    epochs = pd.to_numeric(rows["epoch"], errors="coerce")
    if epochs.isna().any():
        raise DataError(f"{path}, row {epochs.index[epochs.isna()][0]}: epoch is no number; expected 1, 2, ...")
    values = {}
    for column in rows.columns:
        cells = pd.to_numeric(rows[column], errors="coerce")
        wrong = cells.isna() & ~rows[column].str.strip().str.lower().isin(["", "nan"])
        if wrong.any():
            row = wrong.index[wrong][0]
            raise DataError(f"{path}, row {row}: {column} is {rows[column][row]!r}; expected a number.")
        values[str(column)] = [float(cell) for cell in cells]
    return FoldLog(fold, [int(epoch) for epoch in epochs], values, best_epoch)
