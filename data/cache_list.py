"""The caches that are kept, and their removal; nothing but caches is ever removed."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from data.cache import IMAGES, INDEX, Size, open_array

_NAME = re.compile(r"[0-9a-f]{20}|\.[0-9a-f]{20}\..*")  # a key, or what is left of one that was being made


@dataclass(frozen=True)
class CacheEntry:
    """One cache as a list shows it; a damaged one has no size and no images."""

    folder: Path
    images: int
    size: Size | None  # (H, W)
    bytes: int
    used: float  # seconds since 1970


def list_caches(cache: Path) -> list[CacheEntry]:
    """The caches of a folder, the one used last first."""
    return sorted((_entry(folder) for folder in _folders(cache)), key=lambda entry: -entry.used)


def remove_caches(cache: Path) -> None:
    """Remove every cache of a folder, and the folder if nothing else is in it."""
    for folder in _folders(cache):
        shutil.rmtree(folder)
    if cache.is_dir() and not any(cache.iterdir()):
        cache.rmdir()


def _folders(cache: Path) -> list[Path]:
    return [folder for folder in cache.glob("*") if folder.is_dir() and _NAME.fullmatch(folder.name)]


def _entry(folder: Path) -> CacheEntry:
    files = [file for file in folder.iterdir() if file.is_file()]
    index = folder / INDEX
    used = (index if index.exists() else folder).stat().st_mtime
    try:
        shape = open_array(folder / IMAGES).shape
        images, size = int(shape[0]), (int(shape[1]), int(shape[2]))
    except (OSError, EOFError, ValueError, IndexError):
        images, size = 0, None
    return CacheEntry(folder, images, size, sum(file.stat().st_size for file in files), used)
