"""What a piece of work costs, in a process of its own: wall and CPU seconds, and by how much its memory grew."""

import resource
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, process_time

MIB = 2**20

Work = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """Seconds, CPU that of children included; bytes by which the most that was resident exceeds what was before.

    Pages of files that were read through a memory map are resident too, and go as soon as others need the memory.
    """

    wall: float
    cpu: float
    growth: int


def cost_of(prepare: Callable[[], Work]) -> Cost:
    """The cost of the work that `prepare()` returns, done once in a forked process; preparing it is not counted.

    Needs a system that forks. RuntimeError where the work fails: what went wrong is on standard error.
    """
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(prepare, there))
    process.start()
    there.close()
    try:
        cost: Cost = here.recv()
    except EOFError:
        raise RuntimeError("the measured process ended without a result") from None
    finally:
        process.join()
    return cost


def _measure(prepare: Callable[[], Work], answer: "Connection[Cost, Cost]") -> None:
    try:
        work = prepare()
        before, cpu, wall = _peak(), _cpu(), perf_counter()
        work()
        answer.send(Cost(perf_counter() - wall, _cpu() - cpu, max(0, _peak() - before)))
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None


def _cpu() -> float:
    """Seconds of this process, its threads, and its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def _peak() -> int:
    """The most bytes that were resident so far; after a fork it starts with what the child was given."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
