"""Too little memory, on the processor or on an accelerator, is a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from data.errors import DataError

_WORDS = (
    "can't allocate memory",
    "Cannot allocate memory",
    "out of memory",
    "std::bad_alloc",
    "can't start new thread",
    "Insufficient memory",  # OpenCV
    "could not create a primitive",  # oneDNN
    "could not execute a primitive",  # oneDNN, whose scratch memory comes only now
    "ALLOC_FAILED",  # cuBLAS and cuDNN
)


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory is short; torch on the processor and OpenCV have no type of error for it."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(word in str(error) for word in _WORDS)


@contextmanager
def shortage_told(title: str) -> Iterator[None]:
    """DataError in place of any error of the block that says so; `title` is the fold that was under way."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if not is_shortage(error):
            raise
        raise DataError(
            f"{title}: memory is short ({' '.join(str(error).split())[:200] or 'no more is said'}): fewer --jobs or "
            "--workers, or a smaller batch_size with a larger accumulate, would be right; the same command continues "
            "from what is saved."
        ) from error
