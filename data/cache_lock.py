"""Who uses a file: a lock of the kernel's, which ends with its holder however that ends.

It is flock's lock and not lockf's. It belongs to the open file: the processes forked from its holder have it too, which
read the same file, and it outlasts whatever else of this process opens and closes the file, as numpy does for each map.
lockf's is lost with the first such close. (A run is locked by lockf, runners/file_lock.py, for the first reason turned
round: worker processes don't write a run.) What is started by exec inherits no descriptor of Python's, so no lock.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


def share(file: Path) -> int:
    """A descriptor of a file that nobody has alone until it is closed; who has it alone now is waited for.

    Raises OSError where the file can't be read or is gone, which it may be once it was waited for.
    """
    descriptor = os.open(file, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that knows no locks: what is removed all the same is decoded around
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        if not _in_place(descriptor, file):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def alone(file: Path) -> Iterator[bool]:
    """Whether nobody else uses a file, nor will until the block ends; a file that is not there is used by nobody.

    False also where this can't be known, or the file not be written: who may not do that may not remove it either.
    """
    with ExitStack() as stack:
        try:
            descriptor = os.open(file, os.O_RDWR)  # NFS gives this lock to no file that is open for reading
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unused = _in_place(descriptor, file)
        except FileNotFoundError:
            unused = True
        except OSError:
            unused = False
        yield unused


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """One process at a time: two that look for unused files at once would each take what the other tries for used."""
    with ExitStack() as stack:
        with suppress(OSError):  # no locks, or no such folder any more
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _in_place(descriptor: int, file: Path) -> bool:
    """Whether the file has not been replaced since it was opened."""
    return os.path.samestat(os.fstat(descriptor), os.stat(file))
