"""All experiments with the question each asks and the last result; no module is imported, no torch is needed."""

from dataclasses import dataclass
from pathlib import Path

from runners.question import question
from runners.run_folder import latest_finished
from runners.state import read_json


@dataclass(frozen=True)
class Entry:
    """One experiment as the list shows it; result and date are empty where no run has finished."""

    name: str
    question: str
    result: str
    date: str


def catalogue(experiments: Path, runs: Path) -> list[Entry]:
    """An entry for each experiment module of a folder, by name."""
    return [_entry(module, runs) for module in sorted(experiments.glob("*.py")) if not module.stem.startswith("_")]


def _entry(module: Path, runs: Path) -> Entry:
    run = latest_finished(runs, module.stem)
    if run is None:
        return Entry(module.stem, question(module), "", "")
    scores = read_json(run.scores)
    result = f"{scores['oof']['f1']:.4f} (folds {scores['f1_mean']:.4f} +- {scores['f1_sd']:.4f})"
    started = run.root.name  # 20261123-150000-<identity>
    return Entry(module.stem, question(module), result, f"{started[:4]}-{started[4:6]}-{started[6:8]}")
