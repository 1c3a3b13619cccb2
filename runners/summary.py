"""What a run says before its first epoch and after its last."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from callbacks.monitor import LOGGED_OF_MASKS
from runners.display import plain
from runners.state import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from data.metadata import ImageData
    from runners.compute import Compute
    from runners.linear_probe import Declaration
    from runners.run_folder import RunFolder
    from runners.sources import Sources


def print_header(
    console: "Console",
    experiment: "Declaration",
    question: str,
    data: "ImageData",
    folds: Any,
    run: "RunFolder",
    compute: "Compute",
    remarks: "Sequence[str]",
    sources: "Sources",
) -> None:
    """Question, data, split, where the run is kept, and what differs from an earlier start."""
    persons = data.train["person"].nunique()
    console.print(plain(f"{experiment.name}: {question}"))
    lines = [
        f"data    {data.root}",
        f"        {len(data.train):,} images of {persons:,} persons, {len(data.class_names)} classes; "
        f"{len(data.test):,} test images",
        f"split   {experiment.split.func.__qualname__}, {_split(experiment, folds, sources)}",
        *_corrections(experiment, data),
        *_extra(sources),
        *_boundary(experiment, data),
        f"on      {compute.device}; folds at a time {compute.jobs}, each with "
        f"{f'processes {compute.ranks}, each with ' if compute.ranks > 1 else ''}threads {compute.threads}, "
        f"workers {compute.workers}",
        f"run     {run.root} ({_status(run)})",
        *(f"warning {warning}" for warning in data.warnings),
        *(f"note    {remark}" for remark in remarks),
    ]
    for line in lines:
        console.print(plain(line), soft_wrap=True)


def _corrections(experiment: "Declaration", data: "ImageData") -> list[str]:
    return (
        [f"labels  {data.corrected_rows:,} images corrected by {experiment.corrections}"]
        if experiment.corrections
        else []
    )


def _boundary(experiment: "Declaration", data: "ImageData") -> list[str]:
    if experiment.age_boundary is None:
        return []
    from data.age_boundary import drop_ages, soften_ages  # here: no other run needs it

    done = {drop_ages: "are left out of training", soften_ages: "have soft targets in training"}
    youngest, oldest = (experiment.age_boundary.keywords[name] for name in ("youngest", "oldest"))
    inside = data.train[data.train["years"].between(youngest, oldest)]
    return [
        f"ages    {youngest} to {oldest}: {len(inside):,} images of {inside['person'].nunique():,} persons "
        f"{done[experiment.age_boundary.func]}; validation has them all"
    ]


def _split(experiment: "Declaration", folds: Any, sources: "Sources") -> str:
    """What is validated; of a final fit, how long it is trained and who found that out."""
    if folds.max() >= 0:
        return f"{int(folds.max()) + 1} folds validated, no person in two"
    found = sources.origin.get("epochs")
    why = f", the median of {', '.join(map(str, found['best_epochs']))} in {found['run']}" if found else ""
    fits, epochs = experiment.split.keywords["fits"], sources.epochs or experiment.epochs
    return f"nothing validated; fits {fits}, epochs of each {epochs}{why}"


def _extra(sources: "Sources") -> list[str]:
    """A line for each entry of extra_data: what it is, and how many images each fold gets of it."""
    lines = []
    for by_fold in sources.origin.get("extra_data", []):
        counts = sorted({origin["images"] for origin in by_fold})
        images = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
        run = f" of {by_fold[0]['run']}" if "run" in by_fold[0] else ""
        lines.append(f"extra   {by_fold[0]['kind']}{run}: {images} images more to train each fold on")
    return lines


def _status(run: "RunFolder") -> str:
    if run.finished:
        return "finished"
    return "continued" if run.begun else "new"


def print_result(console: "Console", run: "RunFolder") -> None:
    """The table of folds, the out-of-fold score and what to do next; of a final fit, that it has no score."""
    scores = read_json(run.scores)
    console.print()
    if "oof" in scores:
        _print_scores(console, scores, list(read_json(run.record)["metrics"]))
    else:
        console.print(f"out-of-fold  none: {len(scores['fits'])} fits on all images, nothing was validated")
    if run.submission.exists():
        console.print(plain(f"submission   {run.submission}"), soft_wrap=True)
    else:
        console.print("submission   none: the data has no test images")
    console.print("next         python -m experiments   (the list, with last results)")


def _print_scores(console: "Console", scores: "dict[str, Any]", metrics: "Sequence[str]") -> None:
    table = Table(title="Macro F1 by fold", title_justify="left", box=None, pad_edge=False)
    for column in ("fold", "persons", "images", "epochs", "best epoch", "F1", "accuracy"):
        table.add_column(column, justify="right")
    for row in scores["folds"]:
        counts = (row["fold"] + 1, row["persons"], row["images"], row["epochs"], row["best_epoch"])
        table.add_row(*map(str, counts), f"{row['f1']:.4f}", f"{row['accuracy']:.4f}")
    console.print(table)
    oof = scores["oof"]
    console.print(f"folds        F1 {scores['f1_mean']:.4f} +- {scores['f1_sd']:.4f} (mean, standard deviation)")
    factors = [f"{_factor(name)} {oof[name]:.4f}" for name in LOGGED_OF_MASKS if name in oof]
    declared = [f"{name} {oof[name]:.4f}" for name in metrics if oof.get(name) is not None]  # arrays have other names
    size = f"{oof['images']:,} images of {oof['persons']:,} persons"
    console.print(f"out-of-fold  F1 {oof['f1']:.4f}, accuracy {oof['accuracy']:.4f}, {size}")
    if factors:
        console.print(f"factors      F1 of {', '.join(factors)}")
    if declared:
        console.print(plain(f"metrics      {', '.join(declared)}"), soft_wrap=True)


def _factor(score: str) -> str:
    """The factors that a score is of, in words: mask x age."""
    return " x ".join(score.split("_")[1:])
