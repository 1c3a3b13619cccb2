"""Tiny versions of the benchmarks of start-up, growth and memory: they run, and count right; no time is tested."""

import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory, scaling, startup
from benchmarks.apart import MIB, cost_of
from benchmarks.linked_images import DRAWN, write_competition, write_csv_data
from benchmarks.machine import machine
from data.images import decode_rgb
from data.reading import read_data


def test_linked_images_are_data_sets_like_any_other(tmp_path: Path) -> None:
    competition = read_data(write_competition(tmp_path / "a", 500, (32, 24)))
    table = read_data(write_csv_data(tmp_path / "b", 1001, (32, 24)))
    assert len(competition.train) == 504 and competition.train["person"].nunique() == 72 and not competition.warnings
    assert len(table.train) == 1001 and table.train["person"].nunique() == 143 and len(table.class_names) == 18
    files = {os.stat(competition.root / path).st_ino for path in competition.train["path"]}
    assert len(files) == DRAWN, "hard links to few files"
    assert decode_rgb(competition.root / competition.train["path"][0]).shape == (32, 24, 3)


def test_a_piece_of_work_is_measured_apart_without_what_prepares_it() -> None:
    kept: list[object] = []

    def prepare():
        kept.append(bytearray(os.urandom(MIB)) * 64)
        return lambda: kept.append(np.ones(32 * MIB, np.uint8))

    cost = cost_of(prepare)
    assert 30 * MIB < cost.growth < 60 * MIB and cost.wall > 0 and not kept, "in another process"
    with pytest.raises(RuntimeError, match="ended without a result"):
        cost_of(lambda: lambda: 1 / 0)


def test_growth_is_told_for_every_piece_of_work(capsys: pytest.CaptureFixture[str]) -> None:
    scaling.main(["--images", "350", "700"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    rows = lines[1:-2]
    assert [row[:33].strip() for row in rows] == list(scaling.PIECES) * 2
    first, second = rows[: len(scaling.PIECES)], rows[len(scaling.PIECES) :]
    assert not any("<= 1" in row for row in first) and all("<= 1" in row for row in second)


def test_pages_of_the_cache_are_told_apart_and_shared_ones_counted_once(tmp_path: Path) -> None:
    """Two mappings of one file: resident twice, a proportional share of each."""
    (tmp_path / memory.IMAGES).write_bytes(bytes(4 * MIB))
    before = memory.look(os.getpid())
    with (tmp_path / memory.IMAGES).open("rb") as file:
        maps = [mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) for _ in range(2)]
        assert sum(sum(one[:: mmap.PAGESIZE]) for one in maps) == 0
        seen = memory.look(os.getpid())
    assert (before.cache_rss, before.cache_pss, before.processes) == (0, 0, seen.processes)
    assert seen.cache_rss == 8 * MIB and seen.cache_pss == 4 * MIB and seen.own == seen.pss - 4 * MIB


def test_memory_of_a_run_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    memory.main(["--images", "70", "--size", "32", "24", "--jobs", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100 and len(lines) == 5
    jobs, processes, rss, pss, *_, own, _, goal = lines[2].split()
    assert jobs == "2" and int(processes) >= 1 and float(rss) >= float(pss) >= float(own) > 0 and goal == "1.5"


def test_start_up_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    startup.main(["--small", "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[2] for line in lines[1:3]] == ["experiments", "experiments.baseline"]
    assert lines[-3].startswith("70 of 128x96") and float(lines[-3].split()[5]) > 0
    assert lines[-1] == machine()
