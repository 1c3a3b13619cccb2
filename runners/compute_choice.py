"""Where and with how much folds are trained, as a command's options and the machine say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import typer

from runners.compute import Compute, Executor, Workers, available_cores


@contextmanager
def computing(
    executor: Executor | None,
    address: str | None,
    device: str,
    jobs: int | None,
    threads: int | None,
    ranks: int,
    workers: Workers,
) -> Iterator[Compute]:
    """What the options ask for; a Ray cluster stays connected inside the block, and counts no workers by itself."""
    if address is not None and executor is not Executor.ray:
        raise typer.BadParameter("is of a Ray cluster: --executor ray would be right.", param_hint="--address")
    if executor is Executor.serial and jobs not in (None, 1):
        raise typer.BadParameter(f"is {jobs}, and --executor serial makes one fold at a time.", param_hint="--jobs")
    if executor is Executor.ray and ranks > 1:
        raise typer.BadParameter(
            f"is {ranks}, and --executor ray gives a fold one process: 1 would be right.", param_hint="--ranks"
        )
    if executor is not Executor.ray:
        jobs = 1 if executor is Executor.serial else jobs
        yield replace(choose_compute(device, jobs, threads, workers, ranks), executor=executor or Executor.processes)
        return
    from runners.cluster.ray_cluster import cluster_of, local_cluster

    declared = 0 if workers == "auto" else workers  # a task has no cores but those that it has declared
    if address is None:
        settled = replace(choose_compute(device, jobs, threads, declared), cores=0)  # it is as large as that needs
        with local_cluster(settled) as compute:
            yield compute
    else:
        with cluster_of(address, device, jobs, threads, declared) as compute:
            yield compute


def choose_compute(
    device: str, jobs: int | None, threads: int | None, workers: Workers = 0, ranks: int = 1
) -> Compute:
    """Cores are divided among folds: two processes of one thread train faster than one of two threads.

    Where neither jobs nor threads are given, on a CPU, folds share the cores out when they are counted (`shared_out`).
    """
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
    open_yet = cores if device == "cpu" and jobs is None and threads is None else 0
    if jobs is None:
        jobs = max(1, cores // (threads or 1) // ranks) if device == "cpu" else 1
    threads = threads or max(1, cores // (jobs * ranks))
    return Compute(device, threads, workers, jobs, ranks=ranks, cores=open_yet)
