"""Room among the caches of a folder: which of them are removed, and how, while other commands use the same folder."""

import os
import secrets
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path

from data.cache import IMAGES, INDEX
from data.cache_lock import alone, in_turn

_KEY = "[0-9a-f]" * 20  # as a glob, the name of a cache; nothing else that somebody keeps there is looked at
_ASIDE = f".{_KEY}.*"


def make_room(cache: Path, needed: int, limit: int) -> int:
    """Remove the caches that were not used for longest, until `needed` more bytes stay within `limit`.

    What somebody uses, or is making, stays and counts. Returns the bytes that are short because of it; then nothing is
    removed but what killed builds left.
    """
    if not cache.is_dir():
        return max(needed - limit, 0)
    with in_turn(cache), ExitStack() as locks:
        _sweep(cache)
        sizes = {folder: _bytes(folder) for folder in sorted(cache.glob(_KEY), key=_last_use)}
        excess = sum(sizes.values()) + sum(map(_bytes, cache.glob(_ASIDE))) + needed - limit
        unused = []
        for folder, size in sizes.items():
            if excess > 0 and locks.enter_context(alone(folder / IMAGES)):
                unused.append(folder)
                excess -= size
        if excess <= 0:
            for folder in unused:
                with suppress(OSError):  # its images were missing and another command was faster, or has the folder
                    remove(folder)
    return max(excess, 0)


def remove(folder: Path) -> None:
    """Remove a cache, which is gone at once for whoever looks for it; who has it open reads on."""
    aside = beside(folder)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def beside(folder: Path) -> Path:
    """A hidden name for a cache that is not whole yet, or no more."""
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")


def _sweep(cache: Path) -> None:
    """Remove what killed processes left; an empty one takes no room, and may be of a build that has yet to lock it."""
    for aside in cache.glob(_ASIDE):
        if _bytes(aside):
            with alone(aside / IMAGES) as left:
                if left:
                    shutil.rmtree(aside, ignore_errors=True)


def _bytes(folder: Path) -> int:
    """Bytes of a folder's files; none where another command has just removed it, or its owner lets nobody look."""
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0


def _last_use(folder: Path) -> float:
    try:
        return os.stat(folder / INDEX).st_mtime
    except OSError:
        return 0
