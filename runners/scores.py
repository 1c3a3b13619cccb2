"""Scores of a finished run: of each fold, their mean and spread, and of the out-of-fold table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from callbacks.metrics import accuracy, confusion_matrix, macro_f1

Predictions = Mapping[str, NDArray[Any]]


def score(targets: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Macro F1 and accuracy of probabilities (N, C) against targets (N,)."""
    confusion = confusion_matrix(targets, probabilities.argmax(1), probabilities.shape[1])
    return {"f1": macro_f1(confusion), "accuracy": accuracy(confusion)}


def run_scores(table: pd.DataFrame, oof: NDArray[np.float32], predictions: Sequence[Predictions]) -> dict[str, Any]:
    """Everything of scores.json. table: validated rows with columns person, target, fold; oof (N, C) beside it."""
    targets, folds = table["target"].to_numpy(), table["fold"].to_numpy()
    rows = [
        {
            "fold": number,
            "images": int((folds == number).sum()),
            "persons": int(table.loc[folds == number, "person"].nunique()),
            "epochs": int(fold["epochs"]),
            "best_epoch": int(fold["best_epoch"]),
            **score(targets[folds == number], oof[folds == number]),
        }
        for number, fold in enumerate(predictions)
    ]
    values = np.array([row["f1"] for row in rows])
    return {
        "oof": {"images": len(table), "persons": int(table["person"].nunique()), **score(targets, oof)},
        "folds": rows,
        "f1_mean": float(values.mean()),
        "f1_sd": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
    }
