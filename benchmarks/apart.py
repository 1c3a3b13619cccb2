"""Work in a process of its own, where nobody else's memory and threads are; and what a piece of it costs there."""

import gc
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, process_time
from typing import Any

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


@contextmanager
def own_process(make: Callable[[], Callable[..., Any]]) -> Iterator[Callable[..., Any]]:
    """The function that `make()` returns, made and called in a forked process; arguments and results are pickled.

    Needs a system that forks. A call raises RuntimeError where it fails: what went wrong is on standard error.
    """
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(make, here, there))
    process.start()
    there.close()

    def call(*arguments: Any) -> Any:
        try:
            here.send(arguments)
            return here.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise RuntimeError("the measured process ended without a result") from None

    try:
        yield call
    finally:
        here.close()
        process.join()


def cost_of(prepare: Callable[[], Work]) -> Cost:
    """The cost of the work that `prepare()` returns, done once in a process of its own; preparing it is not counted."""
    with own_process(partial(_measured, prepare)) as measure:
        cost: Cost = measure()
    return cost


def _serve(
    make: Callable[[], Callable[..., Any]], asking: "Connection[Any, Any]", asked: "Connection[Any, Any]"
) -> None:
    """Answer calls until nobody is left to ask."""
    asking.close()  # this process has a copy of it too
    try:
        function = make()
        while True:
            try:
                arguments = asked.recv()
            except EOFError:
                return
            gc.collect()  # what the call before left behind is no part of this one
            asked.send(function(*arguments))
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None


def _measured(prepare: Callable[[], Work]) -> Callable[[], Cost]:
    work = prepare()

    def measure() -> Cost:
        before, cpu, wall = _peak(), _cpu(), perf_counter()
        work()
        return Cost(perf_counter() - wall, _cpu() - cpu, max(0, _peak() - before))

    return measure


def _cpu() -> float:
    """Seconds of this process, its threads, and its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def _peak() -> int:
    """The most bytes that were resident so far; after a fork it starts with what the child was given."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
