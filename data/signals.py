"""Signals to a process that is just being forked: blocked until it can take them.

Python forgets, in a forked process, what came before it had set up its own state; and handlers of the parent are not
the child's.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_CAN_BLOCK = hasattr(signal, "pthread_sigmask")


@contextmanager
def blocked(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """A process that this thread forks in the block starts with these signals blocked; they wait till it unblocks them.

    Here too they are blocked, for this thread: one that another thread takes is handled as ever.
    """
    if not _CAN_BLOCK:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # what came meanwhile comes now


def unblock(numbers: Iterable[signal.Signals]) -> None:
    """From now on these signals come as they are sent, first those that have waited."""
    if _CAN_BLOCK:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
