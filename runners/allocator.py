"""The C library's memory, kept by the process that trains: large tensors come and go with every batch."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # the parameters of mallopt, as glibc's malloc.h numbers them
_NEVER = 2**31 - 1  # bytes at the heap's end from which on they are given back


def keep_freed_memory() -> bool:
    """Have the allocator keep what is freed, for the next batch; False where it isn't glibc's, and nothing is changed.

    By itself glibc maps each block above 32 MB anew and gives it back when it is freed, so that every batch pays for
    zeroed pages: a fifth of an epoch at 224x224 (mallopt(3), M_MMAP_MAX and M_TRIM_THRESHOLD). The process then stays
    as large as it was at its largest.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _NEVER))
