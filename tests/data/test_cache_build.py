import errno
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import data.memory
from data import cache_build
from data.cache import IMAGES, INDEX, ImageCache, Size, cache_bytes, cached_images
from data.cache_build import CacheSettings, open_cache
from data.errors import DataError
from data.reading import read_data

SIZE = (32, 24)
Opened = Callable[..., tuple[ImageCache | None, list[str]]]


@pytest.fixture
def opened(competition: Path, tmp_path: Path) -> Opened:
    """Opens the cache of the small competition; returns it and what was said."""
    found = read_data(competition)

    def start(processes: int = 1, limit: int = 2**30, size: Size = SIZE) -> tuple[ImageCache | None, list[str]]:
        said: list[str] = []
        settings = CacheSettings(tmp_path / "cache", limit, processes)
        return open_cache(settings, found.root, list(found.train["path"]), size, said.append), said

    return start


def test_where_no_cache_is_kept_nothing_is_created(opened: Opened, tmp_path: Path) -> None:
    cache, said = opened(limit=0)
    assert cache is None and "--cache-limit allows 0.00 GiB" in said[0]
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_is_open_makes_no_room(opened: Opened) -> None:
    cache, _ = opened()
    assert cache is not None
    limit = cache_bytes(84, SIZE) * 3 // 2
    other, said = opened(limit=limit, size=(24, 32))
    assert other is None and cache.folder.exists()
    assert said[0].endswith("0.00 GiB are needed, --cache-limit allows 0.00 GiB beside the caches in use")
    folder = cache.folder
    del cache
    other, _ = opened(limit=limit, size=(24, 32))
    assert other is not None and not folder.exists()


def test_a_cache_has_the_permissions_of_all_that_its_owner_makes(opened: Opened) -> None:
    before = os.umask(0o022)
    try:
        cache, _ = opened()
    finally:
        os.umask(before)
    assert cache is not None
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE((cache.folder / name).stat().st_mode) for name in (IMAGES, INDEX)} == {0o644}


def test_a_cache_on_a_disk_that_is_only_read_serves(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, _ = opened()

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(cache_build.os, "utime", refuse)
    assert opened() == (cache, [])


def test_somebody_elses_cache_that_may_not_be_read_is_not_called_damaged(competition: Path) -> None:
    root = os.geteuid() == 0  # who may read all; anybody else may not read a folder of his own that is closed
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(competition, Path(folder) / "data")
        found, said = read_data(Path(folder) / "data"), list[str]()
        settings, paths = CacheSettings(Path(folder) / "cache", 2**30, 1), list(found.train["path"])
        cache = open_cache(settings, found.root, paths, SIZE, said.append)
        assert cache is not None
        cache.folder.chmod(0)
        said.clear()
        if root:
            os.seteuid(65534)
        try:
            assert open_cache(settings, found.root, paths, SIZE, said.append) is None
        finally:
            if root:
                os.seteuid(0)
            cache.folder.chmod(0o755)
        why = f"{cache.folder / IMAGES} can't be read: Permission denied"
        assert said == [f"cache   none, images are decoded in every epoch: {why}"]
        assert cached_images([cache], paths) is not None, "it is left as it is"


def test_a_damaged_cache_that_may_not_be_removed_is_decoded_around(opened: Opened, monkeypatch) -> None:
    cache, _ = opened()
    assert cache is not None
    (cache.folder / INDEX).write_text("")

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(cache_build, "remove", refuse)
    again, said = opened()
    assert again is None and said[1].endswith(f"{cache.folder} can't be removed: Permission denied")


def test_a_disk_that_fills_up_is_a_sentence_and_images_are_decoded(opened: Opened, monkeypatch, tmp_path: Path) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        assert length > cache_bytes(84, SIZE)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache_build.os, "posix_fallocate", full)
    cache, said = opened()
    assert cache is None and "decoded in every epoch: 0.00 GiB are needed, " in said[-1]
    assert said[-1].endswith(f"{IMAGES}: No space left on device")
    assert not list((tmp_path / "cache").iterdir())


def _killed(*_: object) -> list[int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_a_decoder_that_the_system_kills_is_a_sentence(opened: Opened, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache_build, "fill", _killed)
    with pytest.raises(DataError, match="A process that decoded images into the cache was killed"):
        opened(processes=2)
    assert not list((tmp_path / "cache").iterdir())


def test_a_containers_limit_is_the_memory_that_counts(opened: Opened, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("100000000\n")
    (tmp_path / "memory.current").write_text("99900000\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("0::/\n")
    (tmp_path / "meminfo").write_text("MemAvailable: 90000000 kB\n")
    monkeypatch.setattr(data.memory, "_PROC", tmp_path)
    monkeypatch.setattr(data.memory, "_CGROUP", tmp_path)
    cache, said = opened()
    assert cache is None and "the memory has 0.00 GiB" in said[0]
