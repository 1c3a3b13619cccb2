import platform
from pathlib import Path

import pytest
import torch

from benchmarks.machine import machine
from runners.compute import available_cores


def test_names_the_first_processor_with_family_and_model(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    one = "processor\t: {}\nvendor_id\t: Maker\ncpu family\t: 25\nmodel\t\t: {}\nmodel name\t: Fast: 9\nflags\t: a\n\n"
    cpuinfo.write_text(one.format(0, 1) + one.format(1, 7))
    assert machine(cpuinfo).startswith("Fast: 9 (family 25, model 1), ")


def test_says_what_torch_uses_and_how_many_cores(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("Hardware : none of these names\n")
    names = {"missing": platform.processor() or platform.machine(), "other": platform.machine()}
    for file, name in names.items():
        line = machine(tmp_path / file)
        assert line.startswith(f"{name}, {torch.backends.cpu.get_cpu_capability()}, {available_cores()} core")
        assert line.endswith(f"torch {torch.__version__.partition('+')[0]}")


def test_keeps_to_100_columns_with_a_long_name_and_many_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.machine.available_cores", lambda: 128)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"cpu family\t: 25\nmodel\t\t: 116\nmodel name\t: {'long ' * 20}\n")
    assert len(machine(cpuinfo)) <= 100
