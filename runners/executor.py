"""Where folds run: one after the other in this process, or several at a time in processes of their own.

(On a cluster: runners/cluster.)
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Protocol

from data.errors import DataError
from data.signals import blocked, unblock
from runners.display import Progress
from runners.stop import FOLDS_SECONDS, Stop, Terminated, current_stop, listening

if TYPE_CHECKING:
    from runners.fold_rows import Fold

RunFold = Callable[["Fold", Progress], object]
Ended = Callable[["Fold", Exception | None], None]  # told what each fold failed with; None: done
_TELL_SECONDS = 0.1  # a fold's process counts batches this long before it tells them
_LOOK_SECONDS = 0.1  # and lives no longer than this without its parent


def raise_failure(fold: "Fold", failure: Exception | None) -> None:
    """The end of a fold where nothing else is made: the first failure ends all."""
    if failure is not None:
        raise failure


def same_run(fold: "Fold", other: "Fold") -> bool:
    """Whether two folds are of one run: where one fails, the other is of no use."""
    return fold.folder.root.parent == other.folder.root.parent


def run_serially(folds: Sequence["Fold"], run: RunFold, display: Progress, ended: Ended = raise_failure) -> None:
    """One fold after the other, here. Where `ended` lets a failure pass, the run's other folds are left out."""
    waiting = list(folds)
    while waiting:
        fold, failure = waiting.pop(0), None
        try:
            run(fold, display)
        except (DataError, OSError) as error:
            failure = error
        ended(fold, failure)
        if failure:
            waiting = [other for other in waiting if not same_run(fold, other)]


def run_in_processes(
    folds: Sequence["Fold"], run: RunFold, display: Progress, *, jobs: int, ended: Ended = raise_failure
) -> None:
    """`jobs` folds at a time, each in its own process; what they leave on disk is the same as of `run_serially`.

    A fold that fails, with its DataError or one that says how its process ended, ends the others of its run, whose last
    epochs are kept. A stop that is asked of this process (runners.stop) is passed on to the folds', and waits for them
    to save and end.
    """
    waiting, running, told = list(folds), list[_Running](), False
    with current_stop().awaited(FOLDS_SECONDS) as stop:
        try:
            while running or (waiting and not stop.asked):
                while waiting and len(running) < jobs and not stop.asked:
                    running.append(_start(waiting.pop(0), run))
                if stop.asked and not told:
                    told = True
                    for one in running:
                        one.process.terminate()
                ready = wait([one.messages for one in running], timeout=_LOOK_SECONDS)
                for one in [one for one in running if one.messages in ready]:
                    last, failure = _hear(one, display)
                    if not last:
                        continue
                    if stop.asked:
                        failure = None  # it does not matter how a fold has ended, and the others are to save theirs
                    else:
                        ended(one.fold, failure)
                    useless = [other for other in running if other is one or _in_vain(other.fold, one.fold, failure)]
                    _end(useless)
                    running = [other for other in running if other not in useless]
                    waiting = [other for other in waiting if not _in_vain(other, one.fold, failure)]
                    if failure:
                        break  # what else was ready may have been of the same run
        finally:
            _end(running)


def _in_vain(fold: "Fold", other: "Fold", failure: Exception | None) -> bool:
    return failure is not None and same_run(fold, other)


def _end(running: "Sequence[_Running]") -> None:
    for one in running:
        one.process.kill()  # what is written is whole or not there: nothing is lost by not asking
    for one in running:
        one.process.join()


@dataclass
class _Running:
    fold: "Fold"
    process: Any  # multiprocessing's Process of one context or the other
    messages: "Connection[Any, Any]"


class Messages(Protocol):
    """What takes messages to the process that shows them."""

    def send(self, message: Any, /) -> None:
        """Pass on (kind, values ...)."""


class _Telling:
    """The progress of a fold as its process tells it to the one that shows it."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages
        self.untold, self.told_at = 0, time.monotonic()

    def line(self, text: str) -> None:
        """Send a line."""
        self.messages.send(("line", text))

    def advance(self, batches: int, description: str) -> None:
        """Send the batches of the last tenth of a second."""
        self.untold += batches
        if time.monotonic() - self.told_at >= _TELL_SECONDS:
            self.flush(description)

    def flush(self, description: str) -> None:
        """Send what is untold."""
        self.messages.send(("advance", self.untold, description))
        self.untold, self.told_at = 0, time.monotonic()


def _start(fold: "Fold", run: RunFold) -> _Running:
    # A forked process shares what is imported and read; a CUDA device can't be used after a fork
    forked = fold.compute.device == "cpu" and os.name == "posix"
    context: Any = multiprocessing.get_context("fork" if forked else "spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(fold, run, there), name=fold.title)
    with blocked([signal.SIGTERM] if forked else []):  # one that is spawned has nothing to save while it begins
        process.start()
    there.close()
    return _Running(fold, process, here)


def _work(fold: "Fold", run: RunFold, messages: "Connection[Any, Any]") -> None:
    """A fold in its process: no Ctrl-C (the parent decides, and sends SIGTERM), no life without the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with listening(Stop(hurries=False), signal.SIGTERM):
            unblock([signal.SIGTERM])
            end_with_parent()
            tell_fold(fold, run, messages)
    except Terminated:
        messages.send(("stopped",))


def tell_fold(fold: "Fold", run: RunFold, messages: Messages) -> None:
    """Make a fold and tell of it; the last message says how it ended, but for a bug, which is raised."""
    progress = _Telling(messages)
    try:
        run(fold, progress)
        progress.flush(fold.title)
        messages.send(("done",))
    except DataError as error:
        messages.send(("failed", str(error)))
    except OSError as error:
        messages.send(("system", error.errno, error.strerror, error.filename))


def end_with_parent() -> None:
    """From now on this process ends, within a tenth of a second, when the one that started it has gone."""
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    """The sentinel alone would not do: the workers of another fold hold it open until they miss their own parent."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        while os.getppid() == parent.pid:
            wait([parent.sentinel], timeout=_LOOK_SECONDS)
        os._exit(1)


def _hear(one: _Running, display: Progress) -> tuple[bool, Exception | None]:
    """Pass on one message; whether it was the fold's last, and what it failed with."""
    try:
        return _told(one, display), None
    except (DataError, OSError) as error:
        return True, error


def _told(one: _Running, display: Progress) -> bool:
    """Pass on one message; whether it was the last."""
    try:
        kind, *values = one.messages.recv()
    except EOFError:
        one.process.join()
        raise DataError(
            f"{one.fold.title}: its process ended with code {one.process.exitcode} before it was done (-9 is what a "
            "system out of memory does): fewer --jobs would be right; the same command continues."
        ) from None
    if kind == "stopped":
        one.process.join()
        raise DataError(f"{one.fold.title}: its process was ended by SIGTERM; the same command continues.")
    last = show_message(kind, values, display)
    if last:
        one.process.join()
    return last


def show_message(kind: str, values: Sequence[Any], display: Progress) -> bool:
    """Show what `tell_fold` sent; whether it was the last. Raises the error that the fold failed with."""
    if kind == "line":
        display.line(*values)
    elif kind == "advance":
        display.advance(*values)
    elif kind == "failed":
        raise DataError(*values)
    elif kind == "system":
        raise OSError(*values)
    return kind == "done"
