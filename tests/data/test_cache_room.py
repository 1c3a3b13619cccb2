import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data import cache_room
from data.cache import IMAGES, INDEX, ImageCache
from data.cache_room import make_room, remove


def make(cache: Path, name: str, used: int = 0) -> ImageCache:
    """A cache of 100 bytes, as `make_room` counts it."""
    (cache / name).mkdir()
    (cache / name / IMAGES).write_bytes(bytes(100))
    (cache / name / INDEX).write_text("")
    os.utime(cache / name / INDEX, (used, used))
    return ImageCache(cache / name, (1, 1))


OLD, MIDDLE, NEW = "a" * 20, "b" * 20, "c" * 20


def test_the_caches_not_used_for_longest_make_room(tmp_path: Path) -> None:
    for age, name in enumerate((OLD, MIDDLE, NEW)):
        make(tmp_path, name, age)
    assert make_room(tmp_path, needed=50, limit=260) == 0
    assert {path.name for path in tmp_path.iterdir()} == {MIDDLE, NEW}
    assert make_room(tmp_path / "nowhere", needed=50, limit=40) == 10


def test_a_cache_that_somebody_uses_stays_and_counts(tmp_path: Path) -> None:
    used = make(tmp_path, OLD, 0)
    for age, name in enumerate((MIDDLE, NEW), 1):
        make(tmp_path, name, age)
    used.hold()
    assert make_room(tmp_path, needed=0, limit=40) == 60
    assert {path.name for path in tmp_path.iterdir()} == {OLD, MIDDLE, NEW}, "in vain none is removed"
    assert make_room(tmp_path, needed=0, limit=200) == 0
    assert {path.name for path in tmp_path.iterdir()} == {OLD, NEW}
    del used
    assert make_room(tmp_path, needed=0, limit=100) == 0
    assert {path.name for path in tmp_path.iterdir()} == {NEW}


def test_a_forked_process_uses_its_parents_caches_until_it_ends_however_it_does(tmp_path: Path) -> None:
    used = make(tmp_path, OLD)
    used.hold()
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        del used
        assert make_room(tmp_path, needed=0, limit=0) == 100
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert make_room(tmp_path, needed=0, limit=0) == 0 and not list(tmp_path.iterdir())


def test_commands_that_make_room_at_once_do_not_meet(tmp_path: Path) -> None:
    for number in range(200):
        make(tmp_path, f"{number:020x}")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: make_room(tmp_path, needed=0, limit=0), range(4))) == [0] * 4
    assert not list(tmp_path.iterdir())


def test_nothing_but_caches_makes_room(tmp_path: Path) -> None:
    make(tmp_path, "photos")
    (tmp_path / "fingerprints.json").write_text("{}")
    making = make(tmp_path, f".{OLD}.x1")  # about to be renamed
    making.hold()
    assert make_room(tmp_path, needed=0, limit=30) == 70, "what is being made counts"
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "fingerprints.json", f".{OLD}.x1"}


def test_what_killed_processes_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, f".{OLD}.x1")
    (tmp_path / f".{OLD}.x1" / INDEX).unlink()
    make(tmp_path, f".{OLD}.x2").folder.joinpath(INDEX).write_text("{}")
    (tmp_path / f".{OLD}.x2" / IMAGES).unlink()
    (tmp_path / f".{OLD}.x3").mkdir()  # a build that begins just now
    kept = make(tmp_path, MIDDLE)
    assert make_room(tmp_path, needed=0, limit=1000) == 0
    assert {path.name for path in tmp_path.iterdir()} == {MIDDLE, f".{OLD}.x3"}
    with monkeypatch.context() as patch:
        patch.setattr(cache_room.shutil, "rmtree", lambda *_, **__: None)  # killed before
        remove(kept.folder)
    assert not kept.folder.exists(), "half removed, it is nobody's damaged cache"
    make_room(tmp_path, needed=0, limit=1000)
    assert {path.name for path in tmp_path.iterdir()} == {f".{OLD}.x3"}


def test_a_cache_that_was_removed_meanwhile_is_not_held(tmp_path: Path) -> None:
    gone = make(tmp_path, OLD)
    remove(gone.folder)
    with pytest.raises(FileNotFoundError):
        gone.hold()
    assert gone.row_of == {} and not gone.is_whole()
