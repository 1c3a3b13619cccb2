"""A finished run as it is compared: the question it asked, what it declared, what it scored and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.comparison.ground import Ground, ground_of
from analysis.run_predictions import is_final_fit, read_predictions
from analysis.sealed_run import SealedRun, sealed
from callbacks.metrics import confusion_matrix, macro_f1
from data.csv_rows import read_rows
from data.errors import DataError
from runners.question import question
from runners.run_folder import RunFolder

SAME_SCORE = 1e-9  # scores.json and oof.npz come from one computation


@dataclass(frozen=True)
class FoldResult:
    """One fold. seconds: of the epochs that were timed, None where none was; untimed: epochs whose time is lost."""

    fold: int
    images: int
    persons: int
    epochs: int
    best_epoch: int
    f1: float
    seconds: float | None
    untimed: int


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended; labels (n,) in the order of its ground.

    record, identity and environment are empty where it keeps none.
    """

    folder: RunFolder
    question: str
    record: Mapping[str, Any]
    identity: Mapping[str, str]
    environment: Mapping[str, Any]
    folds: tuple[FoldResult, ...]
    f1: float  # of the out-of-fold table
    f1_mean: float  # of the folds
    f1_sd: float
    ground: Ground
    labels: NDArray[np.int64]

    @property
    def name(self) -> str:
        """<experiment>/<run's folder>, as the leaderboard's ledger names it."""
        return f"{self.experiment}/{self.folder.root.name}"

    @property
    def experiment(self) -> str:
        """Name of the experiment that made it."""
        return self.folder.root.parent.name

    @property
    def short_name(self) -> str:
        """Experiment and the first digits of the run's identity."""
        return f"{self.experiment} {self.folder.root.name.rpartition('-')[2][:6]}"

    @property
    def parent(self) -> str | None:
        """The experiment it was copied from."""
        parent = self.record.get("parent")
        return None if parent is None else str(parent)

    @property
    def date(self) -> str:
        """The day it was begun, from its folder's name: 2026-11-23; empty where that has none."""
        day = self.folder.root.name[:8]
        return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day.isdecimal() and len(day) == 8 else ""

    @property
    def seconds(self) -> float | None:
        """Training and validation of all folds' epochs, one after the other; None where no epoch was timed."""
        timed = [fold.seconds for fold in self.folds if fold.seconds is not None]
        return round(sum(timed), 3) if timed else None

    @property
    def untimed(self) -> int:
        """Epochs whose time was lost with a kill."""
        return sum(fold.untimed for fold in self.folds)


def read_finished_run(folder: RunFolder) -> FinishedRun:
    """The run in a folder; DataError where a file of it is missing, damaged, or not what the run wrote."""
    try:
        return _read(folder, sealed(folder))
    except OSError as error:
        raise DataError(f"{error.filename} can't be read: {error.strerror}.") from error


def _read(folder: RunFolder, files: SealedRun) -> FinishedRun:
    for path in (folder.scores, folder.oof):
        if not files.has(path) and not is_final_fit(folder):  # that one is refused by `read_predictions`
            raise DataError(f"{folder.root} has no {path.name}; a finished run of this project has one.")
    scores, identity = files.json(folder.scores), files.json(folder.identity)
    if identity.get("mode") == "fast":
        raise DataError(f"{folder.root} is a trial with --fast, one batch of every stage: its scores mean nothing.")
    ground, labels = ground_of(read_predictions(folder), str(identity.get("data", "")), str(identity.get("split", "")))
    f1 = macro_f1(confusion_matrix(ground.targets, labels, ground.classes))
    try:
        told = float(scores["oof"]["f1"])
        folds = tuple(_fold(folder, files, row) for row in scores["folds"])
        mean, spread = float(scores["f1_mean"]), float(scores["f1_sd"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder.scores} is damaged: {error!r} while reading its scores.") from error
    if [fold.fold for fold in folds] != np.unique(ground.folds).tolist():
        raise DataError(f"{folder.scores} tells scores of {len(folds)} folds, {folder.oof.name} has others.")
    if abs(told - f1) > SAME_SCORE:
        raise DataError(f"{folder.scores} tells an out-of-fold F1 of {told:.6f}, {folder.oof.name} has {f1:.6f}.")
    return FinishedRun(
        folder=folder,
        question=_question(folder.source) if files.has(folder.source) else "",
        record=files.json(folder.record),
        identity=identity,
        environment=files.json(folder.environment),
        folds=folds,
        f1=f1,
        f1_mean=mean,
        f1_sd=spread,
        ground=ground,
        labels=labels,
    )


def _question(source: Path) -> str:
    try:
        return question(source).encode("utf-8", "replace").decode()  # half a surrogate pair has no UTF-8
    except (SyntaxError, ValueError) as error:
        raise DataError(f"{source} is damaged: it should hold the experiment's module ({error}).") from error


def _fold(folder: RunFolder, files: SealedRun, row: Mapping[str, Any]) -> FoldResult:
    """A fold's scores, and its time: an epoch that was committed before a kill, and not timed any more, is counted."""
    number, epochs = int(row["fold"]), int(row["epochs"])
    seconds, untimed = None, epochs
    timing = folder.fold(number).timing
    if files.has(timing):
        table, _ = read_rows(timing, ("epoch", "seconds"))
        of_epoch = dict(zip(table["epoch"].astype(int), table["seconds"].astype(float), strict=True))
        seconds = round(sum(value for epoch, value in of_epoch.items() if epoch <= epochs), 3)
        untimed = epochs - sum(epoch <= epochs for epoch in of_epoch)
    return FoldResult(
        fold=number,
        images=int(row["images"]),
        persons=int(row["persons"]),
        epochs=epochs,
        best_epoch=int(row["best_epoch"]),
        f1=float(row["f1"]),
        seconds=seconds,
        untimed=untimed,
    )
