"""An experiment's data and its first fold, for whatever is tried before a run: checked as a run checks them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import DataError
from data.metadata import ImageData
from data.reading import read_data
from data.whole_train_set import fold_count
from runners.compute import Compute
from runners.experiment import Experiment, build
from runners.fold_rows import Fold
from runners.linear_probe import LinearProbe
from runners.precision import check_precision
from runners.refusals import check_declaration, unwritten_fold
from runners.sources import read_sources

SAMPLE = Path("input/sample")


def read_split(experiment: Experiment | LinearProbe, path: Path) -> tuple[ImageData, NDArray[np.int64]]:
    """The data with the declared corrections, and the fold (N,) that validates each training image."""
    if not path.exists():
        raise DataError(_no_data(path))
    data = read_data(path, Path(experiment.corrections) if experiment.corrections else None)
    return data, build("split", experiment.split).assign(data.train, seed=experiment.seed)


def first_fold(experiment: Experiment | LinearProbe, path: Path, compute: Compute) -> Fold:
    """The first fold of a run, without a folder: nothing of it can be written. DataError for a linear probe."""
    if isinstance(experiment, LinearProbe):
        raise DataError(f"{experiment.name} is a linear probe: it trains no network, so there is nothing to try out.")
    check_precision(experiment.precision, compute.device)
    data, folds = read_split(experiment, path)
    sources = read_sources(experiment, data, folds)
    check_declaration(experiment, data, folds, sources)
    compute = compute.shared_out(fold_count(experiment.split, folds))
    return replace(unwritten_fold(experiment, data, folds, 0, sources), compute=compute)


def _no_data(path: Path) -> str:
    if path == SAMPLE:
        return f"There is no data at {path}: `python -m data.synthetic --out {path}` makes it, or give --data PATH."
    return f"There is no data at {path}: --data takes a competition's folder, or a CSV with columns path,label,group."
