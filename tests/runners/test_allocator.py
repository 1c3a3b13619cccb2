import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = """
import resource, torch
from runners.allocator import keep_freed_memory
kept = {keep} and keep_freed_memory()
for _ in range(30):
    torch.ones(12_000_000)  # 48 MB; it takes some until freed blocks are found again
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(12_000_000)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep: bool) -> tuple[bool, int]:
    command = [sys.executable, "-c", FAULTS.format(keep=keep)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])  # noqa: S603
    kept, faults = said.stdout.split()
    return kept == "True", int(faults)


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of another system is left as it is")
def test_large_tensors_come_from_pages_that_are_there() -> None:
    kept, faults = page_faults(keep=True)
    _, usually = page_faults(keep=False)
    assert kept and faults < usually / 10


def test_another_system_is_left_as_it_is(monkeypatch) -> None:
    from runners.allocator import keep_freed_memory

    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
