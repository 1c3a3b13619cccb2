"""A run: every fold in turn, then the out-of-fold table, the test probabilities, scores and the submission."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console

from callbacks.declared_metrics import Metric
from data.cache import ImageCache
from data.cache_build import CacheSettings, open_cache
from data.errors import DataError
from data.external_copies import check_copies
from data.metadata import ImageData
from data.splits import split_text
from data.submission import write_submission
from data.whole_train_set import fold_count
from runners.compute import Compute, Executor
from runners.display import Display
from runners.executor import Ended, raise_failure, run_in_processes, run_serially
from runners.experiment import Experiment, build
from runners.fold import run_fold
from runners.fold_rows import Fold
from runners.fold_state import FoldState, Predictions
from runners.linear_probe import Declaration
from runners.models import import_timm
from runners.run_folder import RunFolder
from runners.scores import fit_scores, run_scores
from runners.sources import NOTHING, Sources
from runners.state import json_text, write_arrays, write_bytes, write_json
from runners.tracking import Tracking


def prepare_run(
    run: RunFolder,
    experiment: Declaration,
    data: ImageData,
    folds: pd.DataFrame,
    source: Path,
    parts: dict[str, str],
    sources: Sources = NOTHING,
) -> list[str]:
    """Write what was declared into a run's folder, and again what is damaged there; returns a remark on each of those.

    A run of the same identity declares the same, but for comments in its source; a finished one is left as it is.
    """
    if run.finished:
        return []
    declared = {
        run.source: source.read_bytes(),
        run.record: json_text(experiment.record()).encode(),
        run.folds: split_text(folds).encode(),
    }
    if experiment.corrections:
        declared[run.corrections] = Path(experiment.corrections).read_bytes()
    if sources.origin:
        declared[run.sources] = json_text(sources.origin).encode()
        declared[run.extra] = split_text(sources.table()).encode()
    declared[run.identity] = json_text(parts).encode()  # last: without it, the folder was not finished
    remarks = []
    for path, body in declared.items():
        there = path.read_bytes() if path.exists() else None
        if there is not None and there != body:
            remarks.append(f"{path.name} was not what this run declares: it is written again")
        if there != body:
            write_bytes(path, body)
    return remarks


def make_folds(
    experiment: Experiment,
    data: ImageData,
    folds: NDArray[np.int64],
    run: RunFolder,
    compute: Compute,
    caches: Sequence[ImageCache],
    sources: Sources = NOTHING,
    tracking: Tracking | None = None,
) -> list[Fold]:
    """Every fold of a run, or every final fit: folds (N,) says which one validates each training image."""
    numbers = range(fold_count(experiment.split, folds))
    return [
        Fold(experiment, data, folds, number, run.fold(number), compute, tuple(caches), sources, tracking)
        for number in numbers
    ]


def refuse_copies(sources: Sources, data: ImageData, settings: CacheSettings, console: Console) -> None:
    """DataError where an external image is one of the data's; every image has to be looked at once for that."""
    outside = sources.outside(data)
    if not outside:
        return
    images = len(data.train) + len(data.test)
    console.print(f"        {images:,} images are compared with {len(outside):,} external ones")
    with Display(console, images + len(outside)) as display:
        told = 0

        def tick(done: int, total: int) -> None:
            nonlocal told
            display.advance(done - told, "looking for copies among external images")
            told = done

        check_copies(data, outside, settings.folder, tick=tick)


def make_caches(
    settings: CacheSettings, experiment: Declaration, data: ImageData, console: Console, sources: Sources = NOTHING
) -> list[ImageCache]:
    """Caches of all images at the sizes that the experiment's transforms work on; none for what does not fit.

    Images from elsewhere have caches of their own: those of the data serve other experiments too. Where not all of the
    data fits, its test images alone are kept: every fold's network predicts them, and they are decoded once even so.
    """
    still = experiment.valid_transform().working_size
    sizes = {build("train_transform", experiment.train_transform).working_size, still} - {None}
    test = list(data.test["path"])
    listings = [([*data.train["path"], *test], test), (sources.outside(data), [])]  # each with the part that may do
    with Display(console, sum(len(listing) for listing, _ in listings) * len(sizes)) as display:
        tick = partial(display.advance, description="decoding, once for all folds and experiments")
        found = [
            open_cache(settings, data.root, listing, size, display.line, tick, part if size == still else ())
            for size in sorted(sizes)
            for listing, part in listings
            if listing
        ]
    return [cache for cache in found if cache]


def execute(folds: Sequence[Fold], display: Display, ended: Ended = raise_failure) -> None:
    """Make every fold where its `compute` says; one that is done is not made again."""
    if not folds:
        return
    jobs = min(max(fold.compute.jobs for fold in folds), len(folds))
    if folds[0].compute.executor is Executor.ray:
        from runners.cluster.executor import run_on_cluster  # here: Ray is an extra

        run_on_cluster(folds, run_fold, display, jobs=jobs, ended=ended)
    elif jobs > 1:
        import_timm()
        run_in_processes(folds, run_fold, display, jobs=jobs, ended=ended)
    else:
        run_serially(folds, run_fold, display, ended)


def finish_run(folds: Sequence[Fold], run: RunFolder, display: Display) -> None:
    """What is made of all folds, whichever process made each."""
    predictions = [_finished(fold, display) for fold in folds]
    gather(folds[0].data, folds[0].folds, predictions, run, folds[0].experiment.metrics)


def _finished(fold: Fold, display: Display) -> Predictions:
    """What the fold left on disk, whichever process made it."""
    predictions = FoldState(fold.folder, display.line).load_predictions()
    if predictions is None:
        raise DataError(f"{fold.folder.predictions} was written and can't be read: the same command makes it again.")
    return predictions


def gather(
    data: ImageData,
    folds: NDArray[np.int64],
    predictions: list[dict[str, NDArray[Any]]],
    run: RunFolder,
    metrics: Mapping[str, Metric],
) -> None:
    """Write oof.npz, test.npz, scores.json, submission.csv and, last, MANIFEST.json.

    Of final fits there is no oof.npz, and scores.json has no scores: nothing was validated.
    """
    validated = folds >= 0
    scores = _gather_oof(data, folds, predictions, run, metrics) if validated.any() else fit_scores(predictions)
    test = np.stack([fold["test"] for fold in predictions]).mean(0, dtype=np.float64).astype(np.float32)  # (M, C)
    write_arrays(run.test, {"probabilities": test, "image_ids": _text(data.test["image_id"])})
    write_json(run.scores, {"classes": list(data.class_names), **scores})
    if len(data.test):
        write_submission(run.submission, data, data.test["image_id"].tolist(), test.argmax(1))
    run.write_manifest()


def _gather_oof(
    data: ImageData,
    folds: NDArray[np.int64],
    predictions: list[dict[str, NDArray[Any]]],
    run: RunFolder,
    metrics: Mapping[str, Metric],
) -> dict[str, Any]:
    """Write the out-of-fold table of what was validated; returns its scores and those of the folds."""
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
    return run_scores(table, oof[validated], predictions, data.class_names, metrics)


def _text(column: "pd.Series[str]") -> NDArray[np.str_]:
    """A column of ids as fixed-width text, which needs no pickle."""
    return np.array(column.tolist(), dtype=np.str_)
