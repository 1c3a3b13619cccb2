"""An experiment's command line: where and with how much it is run, never what it is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from data.errors import DataError
from runners import options
from runners.compute import Executor, available_cores
from runners.compute_choice import choose_compute, computing
from runners.display import Display, make_console
from runners.endings import one_sentence
from runners.experiment import Experiment
from runners.linear_probe import LinearProbe
from runners.question import question
from runners.run_folder import RunFolder
from runners.tracking import check_installed
from runners.workspace import Workspace


def main(experiment: Experiment | LinearProbe) -> None:
    """Run an experiment from the command line; called at the end of its module.

    Exits with 1 for a mistake in the data or the declaration, 2 for one in the command, 130 after Ctrl-C, 143 after
    SIGTERM.
    """
    _command_line(Path(str(sys.modules["__main__"].__file__)).resolve(), lambda: experiment)


def show_help(source: Path) -> NoReturn:
    """Print what an experiment's --help prints, and exit; its module is read, not run: that would wait for torch."""

    def nothing_declared() -> Experiment:
        raise AssertionError("--help runs no experiment")

    _command_line(source, nothing_declared)
    raise AssertionError("--help exits")


def _command_line(source: Path, declared: Callable[[], Experiment | LinearProbe]) -> None:
    console = make_console()

    def command(
        data: options.Data = options.SAMPLE,
        runs: options.Runs = options.RUNS,
        device: options.Device = "auto",
        executor: options.Executor = None,
        address: options.Address = None,
        jobs: options.Jobs = None,
        threads: options.Threads = None,
        ranks: options.Ranks = 1,
        workers: options.Workers = "auto",
        cache: options.Cache = options.CACHE,
        cache_limit: options.CacheLimit = options.CACHE_LIMIT,
        fast: options.Fast = False,
        overfit: Annotated[
            int | None, typer.Option(min=1, metavar="N", help="No run: can it learn N batches by heart?")
        ] = None,
        track: options.Track = None,
    ) -> None:
        experiment = declared()
        if fast and overfit:
            raise typer.BadParameter("--fast makes a short run and --overfit none: one of the two would be right.")
        with one_sentence(runs):
            from data.cache_build import GIB, CacheSettings  # here: --help needs no numpy

            check_installed(tuple(track or ()))
            if isinstance(experiment, LinearProbe):
                check_probe_options(experiment, executor, ranks, overfit)
            if overfit:
                if executor or address or ranks > 1 or track:
                    raise typer.BadParameter(
                        "tries one fold in this process, and makes no run: no --executor, --address, --ranks and "
                        "--track would be right.",
                        param_hint="--overfit",
                    )
                from runners.diagnostics.overfit import try_overfit

                return try_overfit(experiment, data, choose_compute(device, jobs, threads), overfit, console)
            settings = CacheSettings(cache, int(cache_limit * GIB), available_cores())
            with computing(executor, address, device, jobs, threads, ranks, workers) as compute:
                workspace = Workspace(data, runs, compute, settings, fast, console, tuple(track or ()))
                run_experiment(experiment, source, workspace)

    command.__doc__ = question(source)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app(prog_name=f"python -m experiments.{source.stem}")


def run_experiment(experiment: Experiment | LinearProbe, source: Path, workspace: Workspace) -> RunFolder:
    """Read, split, train, predict and score; returns the finished run's folder.

    The same arguments continue an unfinished run, and only show a finished one.
    """
    if isinstance(experiment, LinearProbe):
        from runners.probe_run import run_probe

        return run_probe(experiment, source, workspace)
    from runners.kfold import execute  # here: pandas and torch make nobody wait who asks for --help
    from runners.opened_run import opened_run

    with opened_run(experiment, source, workspace) as opened:
        with Display(workspace.console, sum(fold.batches for fold in opened.folds)) as display:
            execute(opened.folds, display)
            opened.finish(display)
        opened.print_result(workspace.console)
    return opened.folder


def check_probe_options(probe: LinearProbe, executor: Executor | None, ranks: int, overfit: int | None) -> None:
    """DataError where a linear probe is to do what only a network's training can."""
    if overfit:
        raise DataError(f"--overfit trains a network, and {probe.name} trains none.")
    if ranks > 1:
        raise DataError(f"--ranks {ranks} divides a fold's training, and {probe.name} trains none: 1 would be right.")
    if executor is Executor.ray:
        raise DataError(
            f"--executor ray trains folds on several machines, and {probe.name} computes the features of all folds in "
            "one go: no --executor would be right."
        )
