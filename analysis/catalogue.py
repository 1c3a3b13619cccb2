"""All experiments with the question each asks and the last result; no module is imported, no torch is needed."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import DataError
from runners.question import question
from runners.run_folder import RunFolder, latest_finished
from runners.state import read_json


@dataclass(frozen=True)
class Entry:
    """One experiment as the list shows it; result and date are empty where no run has finished.

    What can't be read (a module that does not parse, damaged scores) is said in the place of what it would show.
    """

    name: str
    question: str
    result: str
    date: str


def catalogue(experiments: Path, runs: Path) -> list[Entry]:
    """An entry for each experiment module of a folder, by name."""
    return [_entry(module, runs) for module in sorted(experiments.glob("*.py")) if not module.stem.startswith("_")]


def _entry(module: Path, runs: Path) -> Entry:
    try:
        asks = question(module)
    except (SyntaxError, ValueError) as error:
        asks = f"(the file does not parse: {error})"
    run = latest_finished(runs, module.stem)
    if run is None:
        return Entry(module.stem, asks, "", "")
    started = run.root.name  # 20261123-150000-<identity>
    return Entry(module.stem, asks, _result(run), f"{started[:4]}-{started[4:6]}-{started[6:8]}")


def _result(run: RunFolder) -> str:
    try:
        scores = read_json(run.scores)
        if "fits" in scores:
            return f"final fit, {len(scores['fits'])} networks: no score"
        return f"{scores['oof']['f1']:.4f} (folds {scores['f1_mean']:.4f} +- {scores['f1_sd']:.4f})"
    except (DataError, OSError, KeyError, TypeError, ValueError):
        return "scores.json is missing or damaged"
