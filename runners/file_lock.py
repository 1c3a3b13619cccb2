"""One process at a time: a lock that no crash can leave behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import DataError

PATIENCE_SECONDS = 30.0  # a writer holds the lock for milliseconds; only a stopped process holds it longer
_POLL_SECONDS = 0.001


@contextmanager
def locked(path: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock of `path`, at most `patience` seconds after asking for it; DataError with the pid of its holder.

    It is the kernel's lock on a hidden file beside `path`, so it is freed however its holder ends, and the file left
    behind means nothing. It is never removed: two processes could then each hold a lock of their own. A POSIX lock
    (lockf) and not flock, since worker processes would inherit the latter and outlive their killed parent with it.
    """
    try:
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataError(f"{path} can't be locked: {error.strerror}.") from error
    try:
        _acquire(descriptor, path, time.monotonic() + patience)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:  # POSIX allows either
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
                raise DataError(f"{path} is in use by process {holder}: wait for it, or end it.") from error
        time.sleep(_POLL_SECONDS)
