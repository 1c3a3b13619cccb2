"""Scores of a finished run: of each fold, their mean and spread, and of the out-of-fold table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from callbacks.declared_metrics import Metric, declared_scores
from callbacks.factor_scores import factor_scores
from callbacks.metrics import confusion_matrix, standard_scores

Predictions = Mapping[str, NDArray[Any]]


def score(
    targets: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
    metrics: Mapping[str, Metric],
    years: NDArray[np.floating] | None = None,
) -> dict[str, float]:
    """Every score of probabilities (N, C) against targets (N,), by the names they are logged under in training.

    Macro F1, accuracy, macro precision and recall, F1 of the factors where classes have some, then the declared ones;
    `years` (N,) are the persons' ages, for metrics that ask for them.
    """
    confusion = confusion_matrix(targets, probabilities.argmax(1), probabilities.shape[1])
    return {
        **standard_scores(confusion),
        **factor_scores(confusion, class_names),
        **declared_scores(metrics, confusion, targets, probabilities, years),
    }


def run_scores(
    table: pd.DataFrame,
    oof: NDArray[np.float32],
    predictions: Sequence[Predictions],
    class_names: Sequence[str],
    metrics: Mapping[str, Metric],
) -> dict[str, Any]:
    """Everything of scores.json. table: validated rows with columns person, target, fold, and years where the data have
    ages; oof (N, C) beside it.

    A score that is no number is None: JSON has no other word for it.
    """
    targets, folds = table["target"].to_numpy(), table["fold"].to_numpy()
    years = table["years"].to_numpy(np.float64) if "years" in table else np.full(len(table), np.nan)

    def scored(images: Any) -> dict[str, float | None]:
        return _finite(score(targets[images], oof[images], class_names, metrics, years[images]))

    rows = [
        {
            "fold": number,
            "images": int((folds == number).sum()),
            "persons": int(table.loc[folds == number, "person"].nunique()),
            "epochs": int(fold["epochs"]),
            "best_epoch": int(fold["best_epoch"]),
            **scored(folds == number),
        }
        for number, fold in enumerate(predictions)
    ]
    values = np.array([row["f1"] for row in rows])
    return {
        "oof": {"images": len(table), "persons": int(table["person"].nunique()), **scored(slice(None))},
        "folds": rows,
        "f1_mean": float(values.mean()),
        "f1_sd": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
    }


def fit_scores(predictions: Sequence[Predictions]) -> dict[str, Any]:
    """What scores.json says of final fits, which nothing was validated with: how long each was trained."""
    return {"fits": [{"fit": number, "epochs": int(fit["epochs"])} for number, fit in enumerate(predictions)]}


def _finite(scores: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}
