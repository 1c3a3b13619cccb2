"""An experiment's command line: where and with how much it is run, never what it is."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import DataError
from runners.display import Display, make_console
from runners.environment import Compute
from runners.experiment import Experiment, build
from runners.question import question
from runners.run_folder import FAST, RunFolder
from runners.summary import print_header, print_result

if TYPE_CHECKING:
    from rich.console import Console

SAMPLE = Path("input/sample")
INTERRUPTED = 130  # the shell's code for Ctrl-C


def main(experiment: Experiment) -> None:
    """Run an experiment from the command line; called at the end of its module.

    Exits with 1 for a mistake in the data or the declaration, 2 for one in the command, 130 after Ctrl-C.
    """
    source = Path(str(sys.modules["__main__"].__file__)).resolve()
    console = make_console()

    def command(
        data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
        runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
        device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
        threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = os.cpu_count() or 1,
        workers: Annotated[int, typer.Option(min=0, help="Processes that decode images; 0: none.")] = 0,
        fast: Annotated[bool, typer.Option("--fast", help="One batch of every stage, submission included.")] = False,
    ) -> None:
        try:
            run_experiment(experiment, source, data, runs, _compute(device, threads, workers), fast, console)
        except DataError as error:
            console.print(f"error: {error}", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None
        except OSError as error:  # a full disk, a folder that may not be written: what is committed stays
            console.print(f"error: {error.filename or runs}: {error.strerror}.", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            console.print("Stopped. The same command continues from the last finished epoch.")
            raise typer.Exit(INTERRUPTED) from None

    command.__doc__ = question(source)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app(prog_name=f"python -m experiments.{source.stem}")


def run_experiment(
    experiment: Experiment, source: Path, data_path: Path, runs: Path, compute: Compute, fast: bool, console: "Console"
) -> RunFolder:
    """Read, split, train, predict and score; returns the finished run's folder.

    The same arguments continue an unfinished run, and only show a finished one.
    """
    from data.reading import read_data  # here: pandas and torch make nobody wait who asks for --help
    from runners.fast import one_batch, one_epoch
    from runners.kfold import prepare_run, run_folds

    if experiment.name != source.stem:
        raise DataError(
            f"{source.name} declares name={experiment.name!r}: {source.stem!r}, as the file, would be right."
        )
    if not data_path.exists():
        raise DataError(_no_data(data_path))
    corrections = Path(experiment.corrections) if experiment.corrections else None
    data = read_data(data_path, corrections)
    folds = build("split", experiment.split).assign(data.train, seed=experiment.seed)
    if fast:
        data, folds = one_batch(data, folds, experiment.batch_size)
        experiment, runs = one_epoch(experiment), runs / FAST
    run = prepare_run(experiment, data, folds, source, runs, compute, fast)
    print_header(console, experiment, question(source), data, folds, run, compute)
    if not run.finished:
        with Display(console, _batches(experiment, folds)) as display:
            run_folds(experiment, data, folds, run, compute, display)
    print_result(console, run)
    return run


def _compute(device: str, threads: int, workers: int) -> Compute:
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise typer.BadParameter(
            f"{device!r} is not a device: auto, cpu or cuda would be right.", param_hint="--device"
        )
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise typer.BadParameter("no CUDA device was found here: cpu or auto would be right.", param_hint="--device")
    return Compute(device="cuda" if available and device != "cpu" else "cpu", threads=threads, workers=workers)


def _batches(experiment: Experiment, folds: Any) -> int:
    """Batches of the whole run, for the progress bar's remaining time."""
    total = 0
    for number in range(int(folds.max()) + 1):
        valid = int((folds == number).sum())
        total += sum(-(-images // experiment.batch_size) for images in (len(folds) - valid, valid))
    return total * experiment.epochs


def _no_data(path: Path) -> str:
    if path == SAMPLE:
        return f"There is no data at {path}: `python -m data.synthetic --out {path}` makes it, or give --data PATH."
    return f"There is no data at {path}: --data takes a competition's folder, or a CSV with columns path,label,group."
