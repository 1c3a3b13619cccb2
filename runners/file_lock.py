"""One writer at a time: a lock between processes that no crash can leave behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import DataError

PATIENCE_SECONDS = 30.0     # a writer holds the lock for milliseconds; only a stopped process holds it longer
_POLL_SECONDS = 0.001


@contextmanager
def locked(path: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock of `path`, in seconds at most `patience` after asking for it; DataError where others keep it.

    It is the kernel's lock (flock) on a hidden file beside `path`, so it is freed however its holder ends, and the file
    left behind means nothing. It is never removed: two processes could then each hold a lock of their own.
    """
    try:
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataError(f"{path} can't be locked: {error.strerror}.") from error
    try:
        _acquire(descriptor, path, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise DataError(f"{path} is being written by another process that does not finish; end it, or try "
                                "again.") from error
        time.sleep(_POLL_SECONDS)
