"""python -m experiments export: the networks of a finished run as ONNX files, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from data.errors import DataError
from runners.display import make_console, plain
from runners.endings import one_sentence


def export(
    run: Annotated[str, typer.Argument(help="An experiment (its latest finished run), or a run's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")],
    fold: Annotated[
        list[int] | None, typer.Option(help="Number of a fold, as its folder has it: 0 of fold_0; all, if not given.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
) -> None:
    """Write each fold's network as fold_0.onnx ..., checked against torch, and beside it fold_0.json: what it is.

    The file takes uint8 images (batch, height, width, 3) under the name "images" and gives "logits" and
    "probabilities". Explained in docs/inference.md.
    """
    with one_sentence(runs):
        _export(run, out, fold, runs)


def _export(run: str, out: Path, fold: list[int] | None, runs: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file: --out takes a folder.")

    from analysis.leaderboard.registration import find_run  # here and below: torch makes nobody wait for --help
    from runners.deployment.export import export_fold
    from runners.deployment.onnx_network import CHECKED_BATCHES, TOLERANCE, check_installed
    from runners.deployment.trained_run import read_trained_run

    check_installed("export")
    trained = read_trained_run(find_run(runs, run))
    unknown = [number for number in fold or () if number not in trained.folds]
    if unknown:
        there = ", ".join(map(str, trained.folds))
        raise DataError(f"--fold {unknown[0]}: {trained.run.root} has networks of the folds {there}.")
    console = make_console()
    height, width = trained.image_size
    console.print(plain(f"{trained.name}: images of {height}x{width}, {len(trained.class_names)} classes"))
    for number in sorted(set(fold)) if fold else trained.folds:
        made = export_fold(trained, number, out)
        line = f"written {made.model}, {made.bytes / 1e6:.1f} MB; largest difference from torch {made.difference:.1g}"
        console.print(plain(line), soft_wrap=True)
    batches = ", ".join(map(str, CHECKED_BATCHES))
    console.print(f"checked on random images, in batches of {batches}; a probability may differ by {TOLERANCE:g}")
