"""What a table was measured on: a line that each benchmark of speed prints below its own."""

import platform
from pathlib import Path

import torch

from runners.compute import available_cores


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Processor, the vector instructions that torch uses there, cores this process may use, torch's version."""
    cores = available_cores()
    return (
        f"{_processor(cpuinfo)}, {torch.backends.cpu.get_cpu_capability()}, {cores} core{'s' * (cores != 1)}, "
        f"torch {torch.__version__.partition('+')[0]}"
    )


def _processor(cpuinfo: Path) -> str:
    """Its name; on Linux with family and model, since a virtual machine may give less than the whole name."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    found = dict(reversed(pairs))  # of the first processor
    if "model name" not in found:
        return platform.machine()
    name = found["model name"][:44].strip()
    return f"{name} (family {found.get('cpu family', '?')}, model {found.get('model', '?')})"
