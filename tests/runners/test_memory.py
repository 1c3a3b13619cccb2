from pathlib import Path

import numpy as np
import pytest

import data.memory
from runners.diagnostics.child_process import in_child
from runners.memory import available_memory, peak_memory


def test_the_least_of_what_system_and_groups_leave_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal:  9000 kB\nMemAvailable:  8000 kB\n")
    (proc / "self/cgroup").write_text("0::/jobs/mine\n")
    mine = root / "jobs/mine"
    mine.mkdir(parents=True)
    monkeypatch.setattr(data.memory, "_PROC", proc)
    monkeypatch.setattr(data.memory, "_CGROUP", root)
    assert available_memory("cpu") == 8000 * 1024, "no limit is set"
    for folder, limit, used in ((mine, "max", 100), (root / "jobs", "5000000", 3000000)):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
    (root / "jobs/memory.stat").write_text("anon 1\ninactive_file 500000\n")
    assert available_memory("cpu") == 5000000 - 3000000 + 500000, "the group above has the limit"
    (proc / "meminfo").unlink()
    (proc / "self/cgroup").unlink()
    assert available_memory("cpu") is None, "another system"


def test_groups_of_version_1_are_understood(tmp_path: Path) -> None:
    membership, folder = tmp_path / "cgroup", tmp_path / "fs/memory/a"
    folder.mkdir(parents=True)
    membership.write_text("4:memory:/a\n3:cpuset:/b\n1:name=systemd:/\n")
    (folder / "memory.limit_in_bytes").write_text("1000\n")
    (folder / "memory.usage_in_bytes").write_text("900\n")
    (folder / "memory.stat").write_text("total_inactive_file 50\n")
    assert data.memory._groups(membership, tmp_path / "fs") == [150]


def grown() -> tuple[int | None, int | None]:
    before = peak_memory("cpu")
    taken = np.ones(16_000_000)  # 128 MB, touched
    return before, peak_memory("cpu") if taken.all() else None


def test_the_peak_grows_with_what_is_taken() -> None:
    before, after = in_child(grown, device="cpu")  # in a new process: this one's peak may be long past
    assert 100e6 < after - before < 200e6
