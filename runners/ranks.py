"""One fold trained by several processes together, a part of every batch each: `rank` is the number of one of them.

They are accelerate's processes: it finds in the environment what torchrun would have put there. They meet by a file,
and talk over gloo on processors and NCCL on GPUs, on this machine's loopback.
"""

import os
import socket
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import distributed

from data.errors import DataError
from runners.compute import Compute
from runners.display import Progress
from runners.executor import RunFold, run_in_processes
from runners.experiment import Experiment
from runners.fold_rows import Fold
from runners.supervised import ProcessLost

_GRACE_SECONDS = 60.0  # for the process that started this one to learn which other one was lost, and to end all


def check_ranks(experiment: Experiment, compute: Compute) -> None:
    """DataError for an experiment that this number of processes can't train together."""
    if compute.ranks > experiment.batch_size:
        raise DataError(
            f"--ranks {compute.ranks} divides every batch, and batch_size is {experiment.batch_size}: --ranks "
            f"{experiment.batch_size} at most would be right."
        )
    if compute.ranks > 1 and experiment.compile:
        raise DataError(
            f"--ranks {compute.ranks} exchanges statistics inside the network, which compile=True can't see: one of "
            "the two would be right."
        )


def run_in_ranks(fold: Fold, work: RunFold, progress: Progress) -> None:
    """`work(fold, progress)` in each of the fold's processes, all at once; `fold.rank` tells them apart.

    Only the first one's progress is shown. One that fails ends all. Raises its DataError, or one that says how its
    process ended.
    """
    with tempfile.TemporaryDirectory() as folder:
        ranks = [replace(fold, rank=rank) for rank in range(fold.compute.ranks)]
        run_in_processes(ranks, partial(_in_rank, work, Path(folder) / "meeting"), progress, jobs=len(ranks))


class _Untold:
    """The progress of all but the first process, which do the same."""

    def line(self, text: str) -> None:
        """Say nothing."""

    def advance(self, batches: int, description: str) -> None:
        """Count nothing."""


UNTOLD = _Untold()


def _in_rank(work: RunFold, meeting: Path, fold: Fold, progress: Progress) -> None:
    _meet(meeting, fold.rank, fold.compute)
    try:
        work(fold, UNTOLD if fold.rank else progress)
    except ProcessLost:
        time.sleep(_GRACE_SECONDS)
        raise
    distributed.destroy_process_group()


def _meet(meeting: Path, rank: int, compute: Compute) -> None:
    """Join the others, as accelerate will find it."""
    cuda = compute.device == "cuda"
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": compute.ranks, "LOCAL_WORLD_SIZE": compute.ranks}
    os.environ.update({name: str(number) for name, number in numbers.items()})
    os.environ["OMP_NUM_THREADS"] = str(compute.threads)  # else accelerate chooses another number
    for _, name in socket.if_nameindex():
        if name in ("lo", "lo0"):
            os.environ.update({"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name})
    if cuda:
        torch.cuda.set_device(rank)
    store = distributed.FileStore(str(meeting), compute.ranks)
    distributed.init_process_group("nccl" if cuda else "gloo", store=store, rank=rank, world_size=compute.ranks)
