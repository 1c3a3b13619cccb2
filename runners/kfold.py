"""A run: every fold in turn, then the out-of-fold table, the test probabilities, scores and the submission."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.metadata import ImageData
from data.submission import write_submission
from runners.display import Display
from runners.environment import Compute, environment
from runners.experiment import Experiment
from runners.fold import Fold, run_fold
from runners.identity import folds_table, identity, identity_parts
from runners.run_folder import RunFolder, open_run
from runners.scores import run_scores
from runners.state import write_arrays, write_bytes, write_json, write_text


def prepare_run(
    experiment: Experiment,
    data: ImageData,
    folds: NDArray[np.int64],
    source: Path,
    runs: Path,
    compute: Compute,
    fast: bool,
) -> RunFolder:
    """The folder of this run, what was declared written into it; the same one again if the run was begun before."""
    table, record = folds_table(data, folds), experiment.record()
    parts = identity_parts(record, table, data, source, fast)
    run = open_run(runs, experiment.name, identity(parts))
    if not run.environment.exists():  # written last: without it, the folder was not finished
        write_bytes(run.source, source.read_bytes())
        write_json(run.record, record)
        write_json(run.identity, parts)
        write_text(run.folds, table.to_csv(index=False))
        if experiment.corrections:
            write_bytes(run.corrections, Path(experiment.corrections).read_bytes())
        write_json(run.environment, environment(compute, data.root))
    return run


def run_folds(
    experiment: Experiment,
    data: ImageData,
    folds: NDArray[np.int64],
    run: RunFolder,
    compute: Compute,
    display: Display,
) -> None:
    """Make every fold, then what is made of all of them; a fold that is done is not made again."""
    numbers = range(int(folds.max()) + 1)
    predictions = [
        run_fold(Fold(experiment, data, folds, number, run.fold(number), compute), display) for number in numbers
    ]
    gather(data, folds, predictions, run)


def gather(
    data: ImageData, folds: NDArray[np.int64], predictions: list[dict[str, NDArray[Any]]], run: RunFolder
) -> None:
    """Write oof.npz, test.npz, scores.json, submission.csv and, last, MANIFEST.json."""
    validated = folds >= 0
    oof = np.zeros((len(folds), len(data.class_names)), np.float32)
    for number, fold in enumerate(predictions):
        oof[folds == number] = fold["valid"]
    table: pd.DataFrame = data.train.assign(fold=folds)[validated]
    out_of_fold: dict[str, NDArray[Any]] = {
        "probabilities": oof[validated],
        "image_ids": _text(table["image_id"]),
        "persons": _text(table["person"]),
        "targets": table["target"].to_numpy(np.int64),
        "folds": folds[validated],
    }
    write_arrays(run.oof, out_of_fold)
    test = np.stack([fold["test"] for fold in predictions]).mean(0, dtype=np.float64).astype(np.float32)  # (M, C)
    write_arrays(run.test, {"probabilities": test, "image_ids": _text(data.test["image_id"])})
    write_json(run.scores, {"classes": list(data.class_names), **run_scores(table, oof[validated], predictions)})
    if len(data.test):
        write_submission(run.submission, data, data.test["image_id"].tolist(), test.argmax(1))
    run.write_manifest()


def _text(column: "pd.Series[str]") -> NDArray[np.str_]:
    """A column of ids as fixed-width text, which needs no pickle."""
    return np.array(column.tolist(), dtype=np.str_)
