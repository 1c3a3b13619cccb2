"""Makes a cache of decoded images, in parallel, or says with numbers why there is none."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np

from data.cache import IMAGES, INDEX, ROWS_A_CHECK, ImageCache, Size, cache_bytes, cache_place, fill
from data.cache_room import beside, make_room, remove
from data.errors import DataError
from data.memory import system_memory

GIB = 2**30
_LOOK_SECONDS = 0.1  # how often a process that decodes looks for its parent
_DISK_LEFT = 1 * GIB  # a cache never takes the last of a disk: runs are written there too


@dataclass(frozen=True)
class CacheSettings:
    """Where caches are kept and how much they may take together."""

    folder: Path
    limit: int  # bytes
    processes: int  # that decode


def open_cache(
    settings: CacheSettings,
    root: Path,
    paths: Sequence[str],
    size: Size,
    say: Callable[[str], None],
    tick: Callable[[int], None] = lambda images: None,
    part: Sequence[str] = (),
) -> ImageCache | None:
    """The cache of these files (relative to `root`) at `size`, made now if it is not there or damaged.

    `part`: those that are kept where there is no room for all. None where they do not fit either; `say(text)` is told
    why, and what is being done, `tick(images)` how many are decoded. As long as the cache that is returned lives, no
    other command removes it to make room.
    DataError names a file that does not decode, and says where the system killed a process that did.
    """
    place = cache_place(settings.folder, root, paths, size)
    if place.is_whole(settings.processes):
        with suppress(OSError):  # a colleague's, or on a disk that is only read
            os.utime(place.folder / INDEX)  # the one used last is removed last
        return place
    place = replace(place)  # without the lock, which would keep the place of a damaged one on the disk
    needed = cache_bytes(len(paths), size)
    reason = _unreadable(place) or _removed(place, say) or _why_not(settings, needed)
    if not reason:
        say(f"cache   {len(paths):,} images of {size[0]}x{size[1]} are decoded once into {place.folder}")
        try:
            return _build(place, root, paths, settings.processes, tick)
        except OSError as error:
            reason = f"{needed / GIB:.2f} GiB are needed, {error.filename or settings.folder}: {error.strerror}"
    if part:
        there = cache_place(settings.folder, root, part, size).folder.exists()
        if there or not _why_not(settings, cache_bytes(len(part), size)):
            say(f"cache   of {len(part):,} images only, the others are decoded in every epoch: {reason}")
            return open_cache(settings, root, part, size, say, tick)
    say(f"cache   none, images are decoded in every epoch: {reason}")
    return None


def _unreadable(place: ImageCache) -> str:
    """Why somebody else's cache can't be read; empty where it can, or is not there: then it may be damaged."""
    try:
        for name in (IMAGES, INDEX):
            (place.folder / name).open("rb").close()
    except PermissionError as error:
        return f"{error.filename} can't be read: {error.strerror}"
    except OSError:
        pass
    return ""


def _removed(place: ImageCache, say: Callable[[str], None]) -> str:
    """Remove a damaged cache; what keeps it from being removed, empty where it is gone."""
    if not place.folder.exists():
        return ""
    say(f"cache   {place.folder} is damaged: it is made again")
    try:
        remove(place.folder)
    except FileNotFoundError:  # another command has found the same
        pass
    except OSError as error:
        return f"{place.folder} can't be removed: {error.strerror}"
    return ""


def _why_not(settings: CacheSettings, needed: int) -> str:
    """What there is too little of; empty where a cache of that many bytes fits, now that others have made room."""
    folder = next(path for path in (settings.folder, *settings.folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free - _DISK_LEFT
    # Memory that could hold a cache's pages: where they do not fit, each epoch would read them from the disk again
    memory = system_memory()
    for have, what in ((settings.limit, "--cache-limit allows"), (free, "the disk has"), (memory, "the memory has")):
        if have is not None and needed > have:
            return f"{needed / GIB:.2f} GiB are needed, {what} {max(have, 0) / GIB:.2f} GiB"
    short = make_room(settings.folder, needed, settings.limit)
    if short:
        left = max(needed - short, 0) / GIB
        return f"{needed / GIB:.2f} GiB are needed, --cache-limit allows {left:.2f} GiB beside the caches in use"
    return ""


def _build(
    place: ImageCache, root: Path, paths: Sequence[str], processes: int, tick: Callable[[int], None]
) -> ImageCache:
    """Write the cache beside its place, then rename it; another process may have been faster with the same."""
    order = sorted(paths)
    aside = beside(place.folder)
    try:
        aside.mkdir(parents=True)  # with the permissions of all that its owner makes: colleagues may share the cache
        (aside / IMAGES).touch()
        making = ImageCache(aside, place.size)
        making.hold()  # before it takes any room: then nobody sweeps it away as what a killed build left
        _allocate(aside / IMAGES, (len(order), *place.size, 3))
        checks = _fill_in_parallel(partial(fill, aside / IMAGES, root, place.size), order, processes, tick)
        (aside / INDEX).write_text(json.dumps({"paths": order, "checks": checks}), encoding="utf-8")
        for name in (IMAGES, INDEX):
            with (aside / name).open("rb") as file:
                os.fsync(file.fileno())
        try:
            aside.rename(place.folder)
        except OSError:
            if not place.folder.exists():
                raise
        made = ImageCache(place.folder, place.size)
        made.hold()
        return made
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _allocate(file: Path, shape: tuple[int, ...]) -> None:
    """Make an array that has all of its place on the disk; OSError, with the file's name, where there is too little.

    A file that gets its place only as its map is filled would meet a full disk, or a quota, with SIGBUS.
    """
    try:
        np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape).flush()
        if hasattr(os, "posix_fallocate"):  # macOS has none
            with file.open("r+b") as made:
                os.posix_fallocate(made.fileno(), 0, file.stat().st_size)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error


def _fill_in_parallel(
    fill_rows: Callable[[Sequence[str], int], int],
    paths: Sequence[str],
    processes: int,
    tick: Callable[[int], None],
) -> list[int]:
    """Checksums of all rows, filled a few at a time by several processes; each is sent no more than its own paths."""
    by_first = {first: paths[first : first + ROWS_A_CHECK] for first in range(0, len(paths), ROWS_A_CHECK)}
    checks = dict.fromkeys(by_first, 0)

    def done(first: int, check: int) -> None:
        checks[first] = check
        tick(len(by_first[first]))

    if processes == 1 or len(by_first) == 1:
        for first, few in by_first.items():
            done(first, fill_rows(few, first))
        return list(checks.values())
    context = get_context("fork" if os.name == "posix" else "spawn")
    try:
        with ProcessPoolExecutor(processes, mp_context=context, initializer=_decode_for_parent) as pool:
            tasks = {pool.submit(fill_rows, few, first): first for first, few in by_first.items()}
            try:
                for task in as_completed(tasks):
                    done(tasks[task], task.result())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise DataError(
            "A process that decoded images into the cache was killed (memory?); expected it to end by itself: "
            "--cache-limit 0, which makes no cache, would be right where it happens again."
        ) from error
    return list(checks.values())


def _decode_for_parent() -> None:
    """In a process that decodes: Ctrl-C is for the parent to heed, and there is no life without it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    while parent is not None and os.getppid() == parent.pid:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
