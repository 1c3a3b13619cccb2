"""An experiment's command line: where and with how much it is run, never what it is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from data.errors import DataError
from runners.display import Display, make_console
from runners.earlier_runs import unlike_the_last
from runners.endings import one_sentence
from runners.environment import Compute, available_cores, environment, note_environment
from runners.experiment import Experiment
from runners.linear_probe import LinearProbe
from runners.precision import check_precision
from runners.question import question
from runners.run_folder import FAST, RunFolder, list_runs, open_run
from runners.summary import print_header, print_result
from runners.tracking import Tracker, check_installed, tracking

if TYPE_CHECKING:
    from rich.console import Console

    from data.cache_build import CacheSettings

SAMPLE = Path("input/sample")


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
        data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
        runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
        device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
        jobs: Annotated[
            int | None, typer.Option(min=1, help="Folds at a time; on CPUs as many as there are cores, on CUDA 1.")
        ] = None,
        threads: Annotated[int | None, typer.Option(min=1, help="Torch's, a process: cores / jobs / ranks.")] = None,
        ranks: Annotated[
            int, typer.Option(min=1, help="Processes that train a fold together, a GPU each on CUDA.")
        ] = 1,
        workers: Annotated[int, typer.Option(min=0, help="Processes a rank that decode images; 0: none.")] = 0,
        cache: Annotated[Path, typer.Option(help="Folder that keeps decoded images.")] = Path("cache"),
        cache_limit: Annotated[float, typer.Option(min=0, help="GiB that all caches may take; 0: none is made.")] = 20,
        fast: Annotated[bool, typer.Option("--fast", help="One batch of every stage, submission included.")] = False,
        overfit: Annotated[
            int | None, typer.Option(min=1, metavar="N", help="No run: can it learn N batches by heart?")
        ] = None,
        track: Annotated[
            list[Tracker] | None, typer.Option(help="Shows the run elsewhere too; may be given several times.")
        ] = None,
    ) -> None:
        experiment = declared()
        if fast and overfit:
            raise typer.BadParameter("--fast makes a short run and --overfit none: one of the two would be right.")
        with one_sentence(runs):
            from data.cache_build import GIB, CacheSettings  # here: --help needs no numpy

            compute = choose_compute(device, jobs, threads, workers, ranks)
            if ranks > 1 and (overfit or isinstance(experiment, LinearProbe)):
                raise DataError(f"--ranks {ranks} divides a fold's training, and there is none here: 1 would be right.")
            check_installed(tuple(track or ()))
            if overfit and isinstance(experiment, LinearProbe):
                raise DataError(f"--overfit trains a network, and {experiment.name} trains none.")
            if overfit:
                from runners.diagnostics.overfit import try_overfit

                return try_overfit(experiment, data, compute, overfit, console)
            settings = CacheSettings(cache, int(cache_limit * GIB), available_cores())
            run_experiment(experiment, source, data, runs, compute, settings, fast, console, tuple(track or ()))

    command.__doc__ = question(source)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app(prog_name=f"python -m experiments.{source.stem}")


def run_experiment(
    experiment: Experiment | LinearProbe,
    source: Path,
    data_path: Path,
    runs: Path,
    compute: Compute,
    cache: "CacheSettings",
    fast: bool,
    console: "Console",
    track: tuple[Tracker, ...] = (),
) -> RunFolder:
    """Read, split, train, predict and score; returns the finished run's folder.

    The same arguments continue an unfinished run, and only show a finished one.
    """
    from runners.estimate import with_estimate
    from runners.fast import few_epochs, one_batch  # here: pandas and torch make nobody wait who asks for --help
    from runners.first_fold import read_split
    from runners.followed import show_run
    from runners.identity import folds_table, identity, identity_parts
    from runners.kfold import make_caches, make_folds, prepare_run, refuse_copies, run_folds
    from runners.ranks import check_ranks
    from runners.refusals import check_declaration
    from runners.sources import read_sources

    if experiment.name != source.stem:
        raise DataError(
            f"{source.name} declares name={experiment.name!r}: {source.stem!r}, as the file, would be right."
        )
    if isinstance(experiment, LinearProbe):
        from runners.probe_run import run_probe

        return run_probe(experiment, source, data_path, runs, compute, cache, fast, console, track)
    check_precision(experiment.precision, compute.device)
    check_ranks(experiment, compute)
    data, folds = read_split(experiment, data_path)
    if fast:
        data, folds = one_batch(data, folds, experiment.batch_size)
        experiment, runs = few_epochs(experiment), runs / FAST
    sources = read_sources(experiment, data, folds, fast=fast)
    check_declaration(experiment, data, folds, sources)
    table = folds_table(data, folds)
    parts = identity_parts(experiment.record(), table, data, source, fast, sources)
    earlier = list_runs(runs, experiment.name)
    if not any(run.root.name.endswith(f"-{identity(parts)}") for run in earlier):
        refuse_copies(sources, data, cache, console)
    with open_run(runs, experiment.name, identity(parts)) as run:
        remarks = [] if run.begun else unlike_the_last(earlier, parts)
        remarks += prepare_run(run, experiment, data, table, source, parts, sources)
        if not run.finished:
            changes = note_environment(run.environment, environment(compute, data.root), run.begun)
            remarks += [f"{change}: the last digits of results may differ" for change in changes]
        print_header(console, experiment, question(source), data, folds, run, compute, remarks, sources)
        if run.finished:
            run.check_manifest()
        else:
            caches = [] if fast else make_caches(cache, experiment, data, console, sources)
            shown = tracking(track, runs, run.root, experiment.record()) if track else None
            parts_of_run = make_folds(experiment, data, folds, run, compute, caches, sources, shown)
            with Display(console, sum(fold.batches for fold in parts_of_run)) as display:
                run_folds(with_estimate(parts_of_run), run, display)
            show_run(shown, run)
        print_result(console, run)
    return run


def choose_compute(device: str, jobs: int | None, threads: int | None, workers: int, ranks: int = 1) -> Compute:
    """Cores are divided among folds: two processes of one thread train faster than one of two threads."""
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise typer.BadParameter(
            f"{device!r} is not a device: auto, cpu or cuda would be right.", param_hint="--device"
        )
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise typer.BadParameter("no CUDA device was found here: cpu or auto would be right.", param_hint="--device")
    device, cores = "cuda" if available and device != "cpu" else "cpu", available_cores()
    if device == "cuda" and ranks > torch.cuda.device_count():
        raise typer.BadParameter(
            f"{ranks} needs as many CUDA devices, and {torch.cuda.device_count()} were found.", param_hint="--ranks"
        )
    if jobs is None:
        jobs = max(1, cores // (threads or 1) // ranks) if device == "cpu" else 1
    threads = threads or max(1, cores // (jobs * ranks))
    return Compute(device=device, threads=threads, workers=workers, jobs=jobs, ranks=ranks)
