"""Where and with how much folds are trained."""

import os
from dataclasses import dataclass, replace
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
    cores: int = 0  # that a run's folds share out once they are counted; 0: jobs and threads are settled

    def shared_out(self, folds: int) -> "Compute":
        """The same for so many folds: as few at a time as end soonest, and the threads that this leaves for each.

        Five folds on two cores go three at a time, then two: 2.5 times what one takes on a core of its own. Two at a
        time would leave a core idle in the end and take 3. On sixteen cores they go all at once, three threads each.
        """
        if not self.cores:
            return self
        room = max(1, self.cores // self.ranks)
        most = min(folds, 2 * room - 1)
        jobs = min(range(min(folds, room), most + 1), key=lambda jobs: _end(folds, jobs, room))
        return replace(self, jobs=jobs, threads=max(1, room // jobs), cores=0)

    @property
    def known_workers(self) -> int:
        """Workers as a number: none while "auto" is not measured."""
        return 0 if self.workers == "auto" else self.workers


def _end(folds: int, jobs: int, cores: int) -> int:
    """When the last of equal folds of one thread is done, `jobs` at a time; one alone takes as long as there are cores.

    Where more run than there are cores, they share them.
    """
    turns, rest = divmod(folds, jobs)
    return turns * max(cores, jobs) + (max(cores, rest) if rest else 0)


def available_cores() -> int:
    """Cores that this process may use: in a container or under a scheduler fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
