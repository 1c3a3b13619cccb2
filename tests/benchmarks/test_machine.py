import platform
from pathlib import Path

import torch

from benchmarks.machine import machine
from runners.compute import available_cores


def test_names_the_first_processor_with_family_and_model(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    one = "processor\t: {}\nvendor_id\t: Maker\ncpu family\t: 25\nmodel\t\t: {}\nmodel name\t: Fast: 9\nflags\t: a\n\n"
    cpuinfo.write_text(one.format(0, 1) + one.format(1, 7))
    assert machine(cpuinfo).startswith("Fast: 9 (family 25, model 1), ")


def test_says_what_torch_uses_and_how_many_cores(tmp_path: Path) -> None:
    for cpuinfo in (tmp_path / "missing", tmp_path / "other"):
        (tmp_path / "other").write_text("Hardware : none of these names\n")
        line = machine(cpuinfo)
        assert platform.machine() in line or platform.processor() in line
        assert f", {torch.backends.cpu.get_cpu_capability()}, {available_cores()} core" in line
        assert line.endswith(f"torch {torch.__version__}, Python {platform.python_version()}")
