"""An experiment's command line: where and with how much it is run, never what it is."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import DataError
from runners.display import Display, make_console
from runners.endings import one_sentence
from runners.environment import Compute, available_cores, environment, note_environment
from runners.experiment import Experiment, build
from runners.precision import check_precision
from runners.question import question
from runners.run_folder import FAST, RunFolder, list_runs, open_run
from runners.state import read_json
from runners.summary import print_header, print_result

if TYPE_CHECKING:
    from rich.console import Console

    from data.cache_build import CacheSettings

SAMPLE = Path("input/sample")


def main(experiment: Experiment) -> None:
    """Run an experiment from the command line; called at the end of its module.

    Exits with 1 for a mistake in the data or the declaration, 2 for one in the command, 130 after Ctrl-C, 143 after
    SIGTERM.
    """
    source = Path(str(sys.modules["__main__"].__file__)).resolve()
    console = make_console()

    def command(
        data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
        runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
        device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
        jobs: Annotated[
            int | None, typer.Option(min=1, help="Folds at a time; on CPUs as many as there are cores, on CUDA 1.")
        ] = None,
        threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch a fold: cores / jobs.")] = None,
        workers: Annotated[int, typer.Option(min=0, help="Processes a fold that decode images; 0: none.")] = 0,
        cache: Annotated[Path, typer.Option(help="Folder that keeps decoded images.")] = Path("cache"),
        cache_limit: Annotated[float, typer.Option(min=0, help="GiB that all caches may take; 0: none is made.")] = 20,
        fast: Annotated[bool, typer.Option("--fast", help="One batch of every stage, submission included.")] = False,
    ) -> None:
        with one_sentence(runs):
            from data.cache_build import GIB, CacheSettings  # here: --help needs no numpy

            compute = choose_compute(device, jobs, threads, workers)
            settings = CacheSettings(cache, int(cache_limit * GIB), available_cores())
            run_experiment(experiment, source, data, runs, compute, settings, fast, console)

    command.__doc__ = question(source)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app(prog_name=f"python -m experiments.{source.stem}")


def run_experiment(
    experiment: Experiment,
    source: Path,
    data_path: Path,
    runs: Path,
    compute: Compute,
    cache: "CacheSettings",
    fast: bool,
    console: "Console",
) -> RunFolder:
    """Read, split, train, predict and score; returns the finished run's folder.

    The same arguments continue an unfinished run, and only show a finished one.
    """
    from data.reading import read_data  # here: pandas and torch make nobody wait who asks for --help
    from runners.fast import few_epochs, one_batch
    from runners.identity import folds_table, identity, identity_parts
    from runners.kfold import make_caches, make_folds, prepare_run, run_folds
    from runners.refusals import check_declaration

    if experiment.name != source.stem:
        raise DataError(
            f"{source.name} declares name={experiment.name!r}: {source.stem!r}, as the file, would be right."
        )
    check_precision(experiment.precision, compute.device)
    if not data_path.exists():
        raise DataError(_no_data(data_path))
    corrections = Path(experiment.corrections) if experiment.corrections else None
    data = read_data(data_path, corrections)
    folds = build("split", experiment.split).assign(data.train, seed=experiment.seed)
    if fast:
        data, folds = one_batch(data, folds, experiment.batch_size)
        experiment, runs = few_epochs(experiment), runs / FAST
    check_declaration(experiment, data, folds)
    table = folds_table(data, folds)
    parts = identity_parts(experiment.record(), table, data, source, fast)
    earlier = list_runs(runs, experiment.name)
    with open_run(runs, experiment.name, identity(parts)) as run:
        remarks = [] if run.begun else _unlike_the_last(earlier, parts)
        remarks += prepare_run(run, experiment, data, table, source, parts)
        if not run.finished:
            changes = note_environment(run.environment, environment(compute, data.root), run.begun)
            remarks += [f"{change}: the last digits of results may differ" for change in changes]
        print_header(console, experiment, question(source), data, folds, run, compute, remarks)
        if run.finished:
            run.check_manifest()
        else:
            caches = [] if fast else make_caches(cache, experiment, data, console)
            parts_of_run = make_folds(experiment, data, folds, run, compute, caches)
            with Display(console, sum(fold.batches for fold in parts_of_run)) as display:
                run_folds(parts_of_run, run, display)
        print_result(console, run)
    return run


def _unlike_the_last(earlier: "list[RunFolder]", parts: dict[str, str]) -> list[str]:
    """What differs from the newest earlier run of this experiment, and makes this another run."""
    last = next((run for run in reversed(earlier) if run.identity.exists()), None)
    if last is None:
        return []
    try:
        before = read_json(last.identity)
    except DataError as error:  # of a run that this one has nothing to do with
        return [str(error)]
    names = [name for name in parts if before.get(name) != parts[name]]
    return [f"a run of its own: {', '.join(names)} not as in {last.root.name}"] if names else []


def choose_compute(device: str, jobs: int | None, threads: int | None, workers: int) -> Compute:
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
    if jobs is None:
        jobs = max(1, cores // (threads or 1)) if device == "cpu" else 1
    return Compute(device=device, threads=threads or max(1, cores // jobs), workers=workers, jobs=jobs)


def _no_data(path: Path) -> str:
    if path == SAMPLE:
        return f"There is no data at {path}: `python -m data.synthetic --out {path}` makes it, or give --data PATH."
    return f"There is no data at {path}: --data takes a competition's folder, or a CSV with columns path,label,group."
