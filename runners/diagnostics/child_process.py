"""A function in a process of its own, whose end, whatever it is, this process survives."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.errors import DataError
from runners.executor import end_with_parent

KILLED = -9  # the exit code that a system out of memory leaves


class ProcessLost(Exception):
    """The process ended without an answer; `code` is its exit code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"ended with code {code}")
        self.code = code


def in_child(work: Callable[..., Any], *arguments: Any, device: str) -> Any:
    """What `work(*arguments)` returns, computed in a child: plain values that can be sent from process to process.

    Should memory run out, the system is told to end the child before any other process. Raises DataError as `work`
    does, and ProcessLost where the child ended without an answer.
    """
    # As folds are: a forked process shares what is imported and read; a CUDA device can't be used after a fork
    forked = device == "cpu" and os.name == "posix"
    context: Any = multiprocessing.get_context("fork" if forked else "spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(work, arguments, there), daemon=True)
    process.start()
    there.close()
    try:
        kind, value = here.recv()
    except EOFError:
        process.join()
        raise ProcessLost(process.exitcode) from None
    except BaseException:  # a stop does not wait for it
        process.kill()
        raise
    finally:
        here.close()
        if process.is_alive():
            process.join(timeout=10)
        if process.is_alive():
            process.kill()
    if kind == "mistake":
        raise DataError(value)
    return value


def _answer(work: Callable[..., Any], arguments: tuple[Any, ...], messages: Any) -> None:
    _volunteer()
    end_with_parent()
    try:
        messages.send(("value", work(*arguments)))
    except DataError as error:
        messages.send(("mistake", str(error)))


def _volunteer() -> None:
    """Be the first that a system out of memory ends."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:  # another system, or one that does not let us
        return
