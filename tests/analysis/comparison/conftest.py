"""Three finished runs of the simulated trial with declarations: run_1 and run_2 copied from run_0."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.comparison.finished_run import FinishedRun, read_finished_run
from benchmarks.comparison import declare
from benchmarks.simulated_runs import Trial
from callbacks.metrics import confusion_matrix, macro_f1
from runners.run_folder import RunFolder, latest_finished
from runners.state import read_arrays, read_json, write_arrays, write_json

Arrays = dict[str, NDArray[Any]]
Change = Callable[[str, Callable[[Arrays], Arrays]], FinishedRun]


def folder_of(runs: Path, name: str) -> RunFolder:
    found = latest_finished(runs, name)
    assert found is not None
    return found


@pytest.fixture
def runs(trial: Trial) -> Path:
    declare(folder_of(trial.runs, "run_0"), "What does it start from?", {})
    declare(folder_of(trial.runs, "run_1"), "Does a longer run help?", {"epochs": 9}, parent="run_0")
    declare(folder_of(trial.runs, "run_2"), "Does another seed?", {"seed": 7}, parent="run_0", seconds=(60, 3600))
    return trial.runs


@pytest.fixture
def read(runs: Path) -> Callable[[str], FinishedRun]:
    return lambda name: read_finished_run(folder_of(runs, name))


@pytest.fixture
def change(runs: Path) -> Change:
    """Rewrite a run as if it had predicted something else: its arrays, its scores and its manifest."""

    def rewritten(name: str, of: Callable[[Arrays], Arrays]) -> FinishedRun:
        run = folder_of(runs, name)
        arrays = of(read_arrays(run.oof))
        write_arrays(run.oof, arrays)
        scores, classes = read_json(run.scores), arrays["probabilities"].shape[1]
        labels = arrays["probabilities"].argmax(1)
        scores["oof"]["f1"] = macro_f1(confusion_matrix(arrays["targets"], labels, classes))
        scores["folds"] = [row for row in scores["folds"] if row["fold"] in np.unique(arrays["folds"])]
        write_json(run.scores, scores)
        run.write_manifest()
        return read_finished_run(run)

    return rewritten
