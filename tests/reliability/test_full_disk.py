"""A real disk of 4 MiB that fills up, and a limit on the length of files: the sentence names the file and the bytes.

A cache that finds no room is no mistake: a sentence says so, and images are decoded in every epoch.
"""

import random
import re
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rehearsal import Start, Started, one_small_fold
from same_results import assert_same_results, only_run, read_everything

from data import cache_build
from data.cache import IMAGES
from data.cache_build import GIB, CacheSettings, open_cache
from data.reading import read_data
from runners.diagnostics.child_process import in_child

MIB = 2**20
SENTENCE = r"error: (\S+/[\w.]+): .*(No space left on device|File too large); ([\d,]+) bytes were to be written\."


@pytest.fixture
def small_disk(tmp_path: Path, figures) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)]
    if subprocess.run(words, capture_output=True).returncode:
        figures("a full disk of 4 MiB", "not tried: mounting is not permitted here")
        pytest.skip("mounting a tmpfs is not permitted here; a limit on the length of files is tried instead")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def reference(competition: Path, tmp_path: Path) -> Start:
    start = Start(one_small_fold(), competition, tmp_path / "whole")
    start.finish()
    return start


def named_file(started: Started) -> str:
    """The file that the one sentence names."""
    said = re.search(SENTENCE, started.printed)
    assert started.code == 1 and said and "Traceback" not in started.printed, started.printed
    assert int(said[3].replace(",", "")) > 0
    return Path(said[1]).name


def test_a_full_disk_of_4_mib(lane, figures, reference: Start, small_disk: Path, tmp_path: Path) -> None:
    needed = sum(path.stat().st_size + 4096 for path in reference.runs.rglob("*"))
    rng, full, named = random.Random(2), 0, set()
    for number in range(lane(1, 20)):
        folder = small_disk / str(number)
        start = replace(
            reference, folder=tmp_path / f"start {number}", options=(*reference.options, "--runs", str(folder))
        )
        (small_disk / "others").write_bytes(b"\0" * (4 * MIB - rng.randrange(8192, needed) // 4096 * 4096))
        started = start.begin()
        started.wait(60)
        if started.code != 0:
            named.add(named_file(started) if "bytes were" in started.printed else "a folder")
            full += 1
        if folder.exists():
            read_everything(folder)
        (small_disk / "others").unlink()
        start.finish()
        assert_same_results(only_run(reference.runs), only_run(folder))
        subprocess.run(["rm", "-r", str(folder)], check=True)
    assert full
    figures(
        "a full disk of 4 MiB",
        f"filled up {full} times, met in {', '.join(sorted(named))}: nothing unreadable, "
        "after room was made all went on to the same bits",
    )


def what_a_cache_says(folder: Path, data: Path) -> list[str]:
    """What is said where a cache of 7 MB is to be made, by a process that a SIGBUS may end."""
    found, said = read_data(data), list[str]()
    settings = CacheSettings(folder, GIB, processes=1)
    assert open_cache(settings, found.root, list(found.train["path"]), (192, 144), said.append) is None
    return said


def test_a_cache_on_a_full_disk_of_4_mib(figures, competition: Path, small_disk: Path, monkeypatch) -> None:
    """As a quota is met: how much of the disk is free says nothing of it."""
    monkeypatch.setattr(cache_build, "_DISK_LEFT", -GIB)
    said = in_child(what_a_cache_says, small_disk / "cache", competition, device="cpu")
    assert said[-1].startswith("cache   none, images are decoded in every epoch: 0.01 GiB are needed, ")
    assert said[-1].endswith(f"{IMAGES}: No space left on device")
    assert not list((small_disk / "cache").iterdir()), "nothing half made is left"
    figures("a cache on a full disk", "a sentence, images are decoded in every epoch")


def test_a_limit_on_the_length_of_files(lane, figures, reference: Start, tmp_path: Path) -> None:
    sizes = sorted({path.stat().st_size for path in only_run(reference.runs).root.rglob("*") if path.is_file()})
    limits = [size - 1 for size in sizes if size > 4096]  # what is printed needs less
    named = []
    for limit in limits[lane(2, 0) :: lane(3, 1)]:
        limited = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        start = replace(reference, folder=tmp_path / str(limit), prepare=limited)
        started = start.begin()
        started.wait(60)
        named.append(named_file(started))
        read_everything(start.runs)
        replace(start, prepare=partial(bool)).finish()
        assert_same_results(only_run(reference.runs), only_run(start.runs))
    figures(
        "RLIMIT_FSIZE",
        f"{len(named)} limits, met in {', '.join(sorted(set(named)))}: each named with its bytes, all "
        "went on to the same bits",
    )
