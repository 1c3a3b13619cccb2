"""Where a run is followed while it is made: plain values, on which nothing of the run depends."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from data.errors import DataError

FOLDER = ".tracking"  # below the folder of all runs: no part of any run's files


class Tracker(StrEnum):
    """What can follow a run."""

    tensorboard = "tensorboard"
    mlflow = "mlflow"
    wandb = "wandb"


@dataclass(frozen=True)
class Tracking:
    """What follows a run, where that keeps its files, and what it calls the run."""

    trackers: tuple[Tracker, ...]
    folder: Path
    experiment: str
    run: str  # name of its folder
    parameters: Mapping[str, str]  # the declaration, flat


def tracking(trackers: tuple[Tracker, ...], runs: Path, root: Path, record: Mapping[str, Any]) -> Tracking:
    """For the run in folder `root` of the experiment recorded in `record`."""
    return Tracking(trackers, runs / FOLDER, str(record["name"]), root.name, flat(record))


def check_installed(trackers: tuple[Tracker, ...]) -> None:
    """DataError with the command that installs a tracker which is not there."""
    for tracker in trackers:
        if importlib.util.find_spec(tracker.value) is None:
            raise DataError(
                f"--track {tracker.value} needs a package that is not installed: "
                f"python -m pip install -r requirements-{tracker.value}.txt"
            )


def flat(record: Any, path: str = "") -> dict[str, str]:
    """A recorded declaration as {"optimizer": "AdamW", "optimizer.lr": "0.003"}."""
    if isinstance(record, Mapping) and set(record) == {"call", "with"}:
        return {path: _short(record["call"]), **flat(record["with"], path)}
    if isinstance(record, Mapping) and set(record) == {"name"}:
        return {path: _short(record["name"])}
    if isinstance(record, Mapping) and record:
        inner = (flat(value, f"{path}.{name}" if path else str(name)) for name, value in record.items())
        return {name: value for part in inner for name, value in part.items()}
    if isinstance(record, list) and any(isinstance(value, Mapping | list) for value in record):
        inner = (flat(value, f"{path}.{number}") for number, value in enumerate(record))
        return {name: value for part in inner for name, value in part.items()}
    return {path: str(record)}


def _short(name: str) -> str:
    return str(name).rpartition(".")[2]
