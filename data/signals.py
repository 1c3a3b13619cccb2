"""Signals to a process that is just being forked: they wait until it can take them.

Python forgets, in a forked process, what came before it had set up its own state; and handlers of the parent are not
the child's.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_CAN_WAIT = hasattr(signal, "pthread_sigmask")


@contextmanager
def waiting(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """In the block these signals wait, and in processes that this thread starts in it until they `take` them."""
    if not _CAN_WAIT:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # what came meanwhile comes now


def take(numbers: Iterable[signal.Signals]) -> None:
    """From now on these signals come as they are sent, first those that have waited."""
    if _CAN_WAIT:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
