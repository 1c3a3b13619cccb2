"""python -m experiments run: several experiments in a row, on one executor whose slots they share."""

from typing import Annotated

import typer

from experiments._declared import HERE, declared_any
from runners import options
from runners.display import make_console, print_error
from runners.endings import MISTAKE, one_sentence
from runners.tracking import check_installed
from runners.workspace import Workspace


def run(
    names: Annotated[list[str], typer.Argument(metavar="EXPERIMENT...", help="Names of experiments, in this order.")],
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
    track: options.Track = None,
) -> None:
    """Run several experiments: the next one's folds start as soon as a slot is free.

    One that fails is said, and the others go on; the exit code is 1 then. The same command continues all of them.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise typer.BadParameter(f"{twice[0]} is named twice: once would be right.", param_hint="EXPERIMENT...")
    with one_sentence(runs):
        check_installed(tuple(track or ()))
        experiments = [(declared_any(name), HERE / f"{name}.py") for name in names]

        from data.cache_build import GIB, CacheSettings  # here: --help needs no numpy
        from runners.compute import available_cores
        from runners.compute_choice import computing
        from runners.queue import run_queue

        settings = CacheSettings(cache, int(cache_limit * GIB), available_cores())
        with computing(executor, address, device, jobs, threads, ranks, workers) as compute:
            workspace = Workspace(data, runs, compute, settings, fast, make_console(), tuple(track or ()))
            failed = run_queue(experiments, workspace)
        if failed:
            print_error(f"{len(failed)} of {len(names)} experiments failed: {', '.join(failed)}.")
            raise typer.Exit(MISTAKE)
