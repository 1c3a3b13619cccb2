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
    from runners.environment import Compute
    from runners.experiment import Experiment
    from runners.run_folder import RunFolder


def print_header(
    console: "Console",
    experiment: "Experiment",
    question: str,
    data: "ImageData",
    folds: Any,
    run: "RunFolder",
    compute: "Compute",
    remarks: "Sequence[str]",
) -> None:
    """Question, data, split, where the run is kept, and what differs from an earlier start."""
    persons = data.train["person"].nunique()
    console.print(plain(f"{experiment.name}: {question}"))
    lines = [
        f"data    {data.root}",
        f"        {len(data.train):,} images of {persons:,} persons, {len(data.class_names)} classes; "
        f"{len(data.test):,} test images",
        f"split   {experiment.split.func.__qualname__}, {int(folds.max()) + 1} folds validated, no person in two",
        *_corrections(experiment, data),
        f"on      {compute.device}; folds at a time {compute.jobs}, each with threads {compute.threads}, "
        f"workers {compute.workers}",
        f"run     {run.root} ({_status(run)})",
        *(f"warning {warning}" for warning in data.warnings),
        *(f"note    {remark}" for remark in remarks),
    ]
    for line in lines:
        console.print(plain(line), soft_wrap=True)


def _corrections(experiment: "Experiment", data: "ImageData") -> list[str]:
    return (
        [f"labels  {data.corrected_rows:,} images corrected by {experiment.corrections}"]
        if experiment.corrections
        else []
    )


def _status(run: "RunFolder") -> str:
    if run.finished:
        return "finished"
    return "continued" if run.begun else "new"


def print_result(console: "Console", run: "RunFolder") -> None:
    """The table of folds, the out-of-fold score and what to do next."""
    scores = read_json(run.scores)
    table = Table(title="Macro F1 by fold", title_justify="left", box=None, pad_edge=False)
    for column in ("fold", "persons", "images", "epochs", "best epoch", "F1", "accuracy"):
        table.add_column(column, justify="right")
    for row in scores["folds"]:
        counts = (row["fold"] + 1, row["persons"], row["images"], row["epochs"], row["best_epoch"])
        table.add_row(*map(str, counts), f"{row['f1']:.4f}", f"{row['accuracy']:.4f}")
    console.print()
    console.print(table)
    oof = scores["oof"]
    console.print(f"folds        F1 {scores['f1_mean']:.4f} +- {scores['f1_sd']:.4f} (mean, standard deviation)")
    factors = [f"{_factor(name)} {oof[name]:.4f}" for name in LOGGED_OF_MASKS if name in oof]
    size = f"{oof['images']:,} images of {oof['persons']:,} persons"
    console.print(f"out-of-fold  F1 {oof['f1']:.4f}, accuracy {oof['accuracy']:.4f}, {size}")
    if factors:
        console.print(f"factors      F1 of {', '.join(factors)}")
    if run.submission.exists():
        console.print(plain(f"submission   {run.submission}"), soft_wrap=True)
    else:
        console.print("submission   none: the data has no test images")
    console.print("next         python -m experiments   (the list, with last results)")


def _factor(score: str) -> str:
    """The factors that a score is of, in words: mask x age."""
    return " x ".join(score.split("_")[1:])
