import os
from pathlib import Path

import numpy as np

from data.cache import IMAGES, INDEX
from data.cache_list import list_caches, remove_caches


def make(cache: Path, name: str, used: int) -> Path:
    folder = cache / name
    folder.mkdir(parents=True)
    np.save(folder / IMAGES, np.zeros((5, 4, 3, 3), np.uint8))
    (folder / INDEX).write_text("{}")
    os.utime(folder / INDEX, (used, used))
    return folder


def test_caches_are_listed_the_last_used_first(tmp_path: Path) -> None:
    make(tmp_path, "a" * 20, 100)
    newer = make(tmp_path, "b" * 20, 200)
    (newer / IMAGES).write_bytes(b"")
    first, second = list_caches(tmp_path)
    assert (first.folder, first.size, first.images) == (newer, None, 0), "a damaged one is listed too"
    assert (second.size, second.images, second.used) == ((4, 3), 5, 100)
    assert second.bytes == sum(file.stat().st_size for file in (tmp_path / ("a" * 20)).iterdir())
    assert list_caches(tmp_path / "nowhere") == []


def test_nothing_but_caches_is_removed(tmp_path: Path) -> None:
    make(tmp_path, "a" * 20, 100)
    make(tmp_path, f".{'c' * 20}.x1", 100)
    (tmp_path / "photos").mkdir()
    (tmp_path / ("d" * 20)).write_text("a file")
    remove_caches(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "d" * 20}
    make(tmp_path / "own", "a" * 20, 100)
    remove_caches(tmp_path / "own")
    assert not (tmp_path / "own").exists()
    remove_caches(tmp_path / "own")
