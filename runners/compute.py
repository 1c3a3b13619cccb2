"""Where and with how much folds are trained."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Executor(StrEnum):
    """Where folds are trained."""

    serial = "serial"  # one after the other, in the command's own process
    processes = "processes"  # several at a time on this machine; a single one needs no process of its own
    ray = "ray"  # on the nodes of a Ray cluster


Workers = int | Literal["auto"]  # auto: as many as make a fold's epochs shorter, measured when it starts


@dataclass(frozen=True)
class Compute:
    """Where and with how much a run is made; never what it is."""

    device: str  # "cpu" or "cuda"
    threads: int  # of torch, a process; results are bit-identical only for equal numbers
    workers: Workers  # processes a fold that make its batches; results do not depend on it
    jobs: int  # folds at a time; results do not depend on it
    executor: Executor = Executor.processes  # nor on this
    ranks: int = 1  # processes that train a fold together, a GPU each; results are bit-identical only for equal numbers

    @property
    def known_workers(self) -> int:
        """Workers as a number: none while "auto" is not measured."""
        return 0 if self.workers == "auto" else self.workers


def available_cores() -> int:
    """Cores that this process may use: in a container or under a scheduler fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
