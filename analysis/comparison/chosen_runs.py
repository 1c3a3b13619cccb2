"""Which runs a command means: experiments by name, runs by folder, or the latest finished run of every experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.comparison.finished_run import FinishedRun, read_finished_run
from analysis.leaderboard.registration import find_run
from data.errors import DataError
from runners.run_folder import RunFolder, latest_finished, list_runs


@dataclass(frozen=True)
class Chosen:
    """The runs that could be read, oldest first or as they were named, and a sentence for each that could not."""

    runs: tuple[FinishedRun, ...]
    left_out: tuple[str, ...]


def choose(runs: Path, names: Sequence[str]) -> Chosen:
    """Read the runs of these names, or of all experiments in a folder where none is given."""
    found, left_out = _named(runs, names) if names else _latest(runs)
    read: list[FinishedRun] = []
    for folder in found:
        try:
            read.append(read_finished_run(folder))
        except DataError as problem:
            left_out.append(f"{folder.root.parent.name}/{folder.root.name} is left out: {problem}")
    return Chosen(tuple(read), tuple(left_out))


def find_finished(runs: Path, name: str) -> RunFolder:
    """A finished run by its experiment's name (the latest one in `runs`) or by its folder, wherever that lies.

    DataError says what there is.
    """
    folder = Path(name)
    if name.isidentifier() or not folder.is_dir():
        return find_run(runs, name)
    run = RunFolder(folder.resolve())
    if not run.finished:
        raise DataError(f"{folder} is no finished run (it has no MANIFEST.json); expected a run's folder.")
    return run


def _named(runs: Path, names: Sequence[str]) -> tuple[list[RunFolder], list[str]]:
    found: list[RunFolder] = []
    left_out: list[str] = []
    for name in names:
        try:
            run = find_finished(runs, name)
        except DataError as problem:
            left_out.append(str(problem))
            continue
        if all(run.root.resolve() != other.root.resolve() for other in found):
            found.append(run)
    return found, left_out


def _latest(runs: Path) -> tuple[list[RunFolder], list[str]]:
    found: list[RunFolder] = []
    left_out: list[str] = []
    for experiment in sorted({run.root.parent.name for run in list_runs(runs)}):
        run = latest_finished(runs, experiment)
        if run is None:
            left_out.append(f"{experiment}: no run is finished; `python -m experiments.{experiment}` continues it.")
        else:
            found.append(run)
    return sorted(found, key=lambda run: run.root.name), left_out
