"""How much memory there is, and how much of it a process has taken."""

import os
import sys

import torch

from data.memory import system_memory

GIB = 2**30


def available_memory(device: str) -> int | None:
    """Bytes that are free to use, of a GPU or of the system; None where the system does not tell."""
    return system_memory() if device == "cpu" else int(torch.cuda.mem_get_info()[0])


def peak_memory(device: str) -> int | None:
    """The most bytes that this process held so far: reserved on a GPU, else resident. None where it can't be told."""
    if device != "cpu":
        return int(torch.cuda.max_memory_reserved())
    if os.name == "nt":
        return None
    import resource  # there is none on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
