import numpy as np
import pytest
import torch

from data.errors import DataError
from runners.shortage import is_shortage, shortage_told


@pytest.mark.parametrize("library", [torch, np])
def test_too_little_memory_is_a_sentence_whichever_library_says_it(library) -> None:
    with pytest.raises(DataError, match=r"^fold 1/2: memory is short \(.*llocate.*\): fewer --jobs .* continues"):
        with shortage_told("fold 1/2"):
            library.ones(2**52)


def test_accelerators_say_it_in_words_of_their_own() -> None:
    assert is_shortage(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"))
    for verb in ("create", "execute"):
        assert is_shortage(RuntimeError(f"could not {verb} a primitive"))
    assert is_shortage(OSError(12, "Cannot allocate memory")) and is_shortage(MemoryError())


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes"), DataError("The model is out of memory."), OSError(5)]
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, shortage_told("fold 1/2"):
        raise error
    assert raised.value is error
