"""Contestants side by side: each once a round, so that a machine that is busy for a while is so for all of them.

Wall and CPU seconds of every turn are kept. A ratio is taken pair by pair, within a round; its median is what counts.
"""

import gc
import os
import resource
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children
from pathlib import Path
from time import perf_counter, process_time


@dataclass
class Cost:
    """Seconds that something took; `cpu` is of this process with its threads, and of its children.

    Children are those of multiprocessing (a DataLoader's workers), alive or not, and any other that was waited for.
    """

    wall: float = 0.0
    cpu: float = 0.0

    def __sub__(self, earlier: "Cost") -> "Cost":
        return Cost(self.wall - earlier.wall, self.cpu - earlier.cpu)


Contestant = Callable[[], object]  # one turn; where it returns a Cost, that was timed inside, and is what counts


@dataclass(frozen=True)
class Rounds:
    """What each contestant cost in each round: costs[name][round]."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def wall(self, name: str) -> float:
        """Median wall seconds."""
        return statistics.median(cost.wall for cost in self.costs[name])

    def cpu(self, name: str) -> float:
        """Median CPU seconds."""
        return statistics.median(cost.cpu for cost in self.costs[name])

    def ratio(self, name: str, reference: str) -> float:
        """Median over rounds of the contestant's wall seconds / those of the reference in the same round."""
        pairs = zip(self.costs[name], self.costs[reference], strict=True)
        return statistics.median(cost.wall / other.wall for cost, other in pairs)

    def cpu_ratio(self, name: str, reference: str) -> float:
        """The same of CPU seconds, which other work on the machine moves less."""
        pairs = zip(self.costs[name], self.costs[reference], strict=True)
        return statistics.median(cost.cpu / other.cpu for cost, other in pairs)


def take_turns(contestants: Mapping[str, Contestant], rounds: int, warm_ups: int = 1) -> Rounds:
    """Every contestant once a round, after `warm_ups` rounds that do not count.

    Every other round goes backwards: nobody has always the same neighbour before it, whose caches it would find.
    """
    for _ in range(warm_ups):
        for turn in contestants.values():
            turn()
    found = Rounds({name: [] for name in contestants})
    for number in range(rounds):
        names = list(contestants)
        for name in reversed(names) if number % 2 else names:
            found.costs[name].append(_cost(contestants[name]))
    return found


@contextmanager
def timed() -> Iterator[Cost]:
    """Seconds of the block, filled in when it ends."""
    cost, start = Cost(), clock()
    try:
        yield cost
    finally:
        took = clock() - start
        cost.wall, cost.cpu = took.wall, took.cpu


def clock() -> Cost:
    """Now: the difference of two of these is what happened in between."""
    return Cost(perf_counter(), process_time() + _children_seconds())


def _cost(turn: Contestant) -> Cost:
    gc.collect()  # nobody pays for what the one before left behind
    with timed() as whole:
        inside = turn()
    return inside if isinstance(inside, Cost) else whole


def _children_seconds() -> float:
    """CPU seconds of children: those that were waited for, with theirs, and multiprocessing's that are still alive."""
    alive = [_seconds_of(child.pid) for child in active_children()]  # first: this waits for those that have ended
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(alive)


def _seconds_of(pid: int | None) -> float:
    """CPU seconds of a process so far, as Linux tells them; 0 on other systems, where only ended children count."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime
