"""The images of a run as its networks judged them out of fold: what every explanation of mistakes starts from."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.run_predictions import RunPredictions, class_names, read_predictions
from data.csv_rows import from_cell, read_rows
from data.errors import DataError, quote
from data.findings import raise_first
from runners.run_folder import RunFolder

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedImages:
    """n training images, each judged by the network of a fold that was not trained on its person."""

    image_ids: NDArray[np.str_]  # (n,)
    paths: NDArray[np.str_]  # (n,) POSIX, relative to the data's folder
    persons: NDArray[np.str_]  # (n,)
    targets: NDArray[np.int64]  # (n,) the class the data says (after corrections, where the run had some)
    probabilities: NDArray[np.float32]  # (n, C)
    class_names: tuple[str, ...]  # (C,)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Predicted class of each image, (n,)."""
        return self.probabilities.argmax(1)

    @cached_property
    def wrong(self) -> NDArray[np.bool_]:
        """Which images (n,) are judged wrong."""
        return self.labels != self.targets

    @cached_property
    def losses(self) -> Floats:
        """Cross-entropy of each image (n,), -log of its true class's probability; at most 87.3, where that is 0."""
        of_truth = self.probabilities[np.arange(len(self.targets)), self.targets].astype(np.float64)
        return -np.log(np.maximum(of_truth, np.finfo(np.float32).tiny))

    def of_person(self, person: str) -> NDArray[np.int64]:
        """Rows of a person's images, in the data's order."""
        return np.flatnonzero(self.persons == person)


def read_judged_images(run: RunFolder) -> JudgedImages:
    """The judged images of a finished run; DataError where its files are missing, damaged or do not fit each other."""
    return judged_images(read_predictions(run))


def judged_images(predictions: RunPredictions) -> JudgedImages:
    """The same from predictions that were read already."""
    run, probabilities = predictions.run, predictions.oof
    names = class_names(predictions)
    sound = np.isfinite(probabilities).all(1) & (predictions.targets >= 0) & (predictions.targets < len(names))
    if not sound.all():
        first = str(predictions.image_ids[np.argmin(sound)])
        raise DataError(
            f"{run.oof}: {quote(first)} has a probability that is not finite, or a class that is not there."
        )
    if not run.folds.exists():
        raise DataError(f"{run.root} has no {run.folds.name}: only a whole run can be explained.")
    table, findings = read_rows(run.folds, ("image_id", "path"))
    raise_first(findings)
    table = table[["image_id", "path"]].map(from_cell)
    paths = pd.Series(predictions.image_ids).map(table.set_index("image_id")["path"])
    if paths.isna().any():
        lacking = str(predictions.image_ids[int(np.argmax(paths.isna()))])
        raise DataError(f"{run.folds} has no row of {quote(lacking)}, which {run.oof.name} holds.")
    leading_out = [path for path in paths if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts]
    if leading_out:
        raise DataError(f"{run.folds}: path is {quote(leading_out[0])}; expected one below the data folder.")
    return JudgedImages(
        image_ids=predictions.image_ids,
        paths=np.array(paths.tolist(), np.str_),
        persons=predictions.persons,
        targets=predictions.targets,
        probabilities=probabilities,
        class_names=names,
    )
