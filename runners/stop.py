"""SIGTERM and Ctrl-C: what they ask of a process, and in how many seconds it is gone."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 130, 143  # the shell's codes for Ctrl-C and for SIGTERM
GO_ON = "The same command continues from what is saved."
BATCH_SECONDS = 3.0  # that a batch may take after a stop was asked for, before it is given up
FOLDS_SECONDS = 4.0  # that the processes of folds have for theirs, and to save
END_SECONDS = 4.5  # after which the process is gone, whatever it waits for
_ONE_REQUEST_SECONDS = 0.1  # `timeout`, among others, signals a command and then its group: that is no second request
_AGAIN_SECONDS = 0.01  # after a stop came where Python ignores exceptions, or must not be interrupted


class Terminated(BaseException):
    """SIGTERM, as schedulers and `kill` send it: unwound like Ctrl-C, so that nothing runs on."""


class Stop:
    """What the two signals do, while :func:`listening`.

    The first one unwinds the process at once, or, where somebody looks at `asked` (`awaited`), when they are ready. A
    second one ends it as it stands, unless `hurries` is False: then that is for another process to decide.

    Python calls a handler wherever it is, and ignores what it raises in a finalizer or around a fork: it is raised
    again a moment later. So it is where a thread is being started, which would be left half known to its module.
    """

    def __init__(self, *, hurries: bool = True) -> None:
        self.asked = False
        self.hurries = hurries
        self.patience = 0.0  # seconds before a first signal unwinds
        self.pid = os.getpid()
        self.unraisablehook = sys.unraisablehook

    def first(self, number: int, frame: FrameType | None) -> None:
        """Ask for the end, and see to it that it comes."""
        self._end_if_forked(number)
        self.code = _code(number)
        self.asked, self.asked_at = True, time.monotonic()
        for again in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(again) == self.first:
                signal.signal(again, self.second)
        if self.patience:
            _alarm(self.interrupt, self.patience)
        else:
            self.interrupt(number, frame)

    def second(self, number: int, frame: FrameType | None) -> None:
        """End at once, but for an echo of the first signal."""
        self._end_if_forked(number)
        if self.hurries and time.monotonic() - self.asked_at > _ONE_REQUEST_SECONDS:
            self.at_once()

    def _end_if_forked(self, number: int) -> None:
        """A process that was forked a moment ago has no handlers of its own yet, and nothing to save."""
        if os.getpid() != self.pid:
            os._exit(_code(number))

    @contextmanager
    def awaited(self, seconds: float) -> Iterator["Stop"]:
        """In the block `asked` is looked at, so that a first signal waits up to `seconds` for :meth:`heed`.

        So it is wherever a loader is read: an exception in the middle of torch's queues can leave one of their locks
        held, or a process that was just forked unknown to its parent. Whatever ends the block once it is asked for is
        the stop: a worker process, say, which got the signal too.
        """
        before, self.patience = self.patience, seconds
        try:
            yield self
        except Exception as error:
            if self.asked:
                self.unwind(cause=error)
            raise
        finally:
            self.patience = before
        if self.asked:
            self.unwind()

    def heed(self, last: Callable[[], object] = bool) -> NoReturn:
        """Do a `last` thing, which nothing but the end of the time interrupts, and unwind."""
        self._limit()
        last()
        self.unwind()

    def heed_if_asked(self) -> None:
        """What is called after each batch that leaves nothing to save."""
        if self.asked:
            self.heed()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Unwind from where the process is, as soon as that can be."""
        if _starts_thread(frame):
            _alarm(self.interrupt, _AGAIN_SECONDS)
        else:
            self.unwind()

    def unwind(self, cause: Exception | None = None) -> NoReturn:
        """Raise, for the seconds that are left."""
        self._limit()
        raise (KeyboardInterrupt if self.code == INTERRUPTED else Terminated) from cause

    def _limit(self) -> None:
        _alarm(self.at_once, self.asked_at + END_SECONDS - time.monotonic())

    def ignored(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Hear of an exception that Python ignores; one of these is not to be."""
        if self.asked and issubclass(unraisable.exc_type, KeyboardInterrupt | Terminated):
            _alarm(self.interrupt, _AGAIN_SECONDS)
        else:
            self.unraisablehook(unraisable)

    def at_once(self, number: int = 0, frame: FrameType | None = None) -> NoReturn:
        """End without unwinding: folds and workers end with the process that started them."""
        os.write(2, f"error: ended at once. {GO_ON}\n".encode())
        os._exit(self.code)


def _code(number: int) -> int:
    return INTERRUPTED if number == signal.SIGINT else TERMINATED


def _starts_thread(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not threading.Thread.start.__code__:
        frame = frame.f_back
    return frame is not None


def _alarm(act: Callable[[int, FrameType | None], object], seconds: float) -> None:
    signal.signal(signal.SIGALRM, act)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would switch it off


@contextmanager
def listening(stop: Stop, *numbers: signal.Signals) -> Iterator[Stop]:
    """In the block these signals are the stop's; after one, the process is on its way out, and must get there."""
    before = {number: signal.signal(number, stop.first) for number in numbers}
    sys.unraisablehook = stop.ignored
    try:
        yield stop
    finally:
        if not stop.asked:
            sys.unraisablehook = stop.unraisablehook
            for number, handler in before.items():
                signal.signal(number, handler)


def current_stop() -> Stop:
    """The stop that SIGTERM asks this process for, as the system has it; one that never comes where nobody listens."""
    stop = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return stop if isinstance(stop, Stop) and stop.pid == os.getpid() else Stop()
