"""Decoded images kept on disk: each file is decoded once, for all folds, epochs and experiments.

<cache>/<key>/images.npy   uint8 (N, H, W, 3), memory-mapped: processes share its pages
<cache>/<key>/index.json   the images' paths and a checksum of every few rows

The key is a hash of whatever decides about a pixel: format version, decoder, size, and every file's path, length and
time of change. Labels and folds are no part of it. A cache is built beside its place and renamed into it when whole.
A cache is only ever faster: one that is gone is decoded around, to the same pixels.
"""

import hashlib
import json
import os
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import xxhash
from numpy.typing import NDArray

from data.cache_lock import share
from data.images import decode_rgb
from data.transforms import working_image

VERSION = 2  # of this format, and of what decode_rgb and working_image do to a pixel
IMAGES, INDEX = "images.npy", "index.json"
ROWS_A_CHECK = 64  # that are decoded by one task and have one checksum: of a row alone, xxhash keeps other threads out

Size = tuple[int, int]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class DecodedImages:
    """Images decoded from their files each time they are asked for."""

    paths: Sequence[Path]
    size: Size  # (H, W) that decoding may come down to

    def __getitem__(self, position: int) -> Pixels:
        return decode_rgb(self.paths[position], min_size=self.size)


@dataclass(frozen=True)
class ImageCache:
    """One cache on disk: the images of a data set at one size."""

    folder: Path
    size: Size  # (H, W)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each path; none of a cache that is gone."""
        try:
            self.hold()
            return {path: row for row, path in enumerate(_read_index(self.folder)["paths"])}
        except OSError:
            return {}

    @cached_property
    def array(self) -> Pixels:
        """The rows (N, H, W, 3), memory-mapped once in each process, for whatever reads the cache there."""
        return open_array(self.folder / IMAGES)

    @cached_property
    def _lock(self) -> int:
        descriptor = share(self.folder / IMAGES)
        weakref.finalize(self, os.close, descriptor)
        return descriptor

    def hold(self) -> int:
        """Have the cache make no room for others as long as this object, or its process, lives; OSError: it is gone."""
        return self._lock

    def __getstate__(self) -> dict[str, object]:
        # A memory map and a lock are not sent to another process, their path is
        return {"folder": self.folder, "size": self.size}

    def is_whole(self, threads: int = 1) -> bool:
        """Whether every row is what was written, by the checksums, and is held."""
        try:
            self.hold()
            index = _read_index(self.folder)
            array, checks = open_array(self.folder / IMAGES), index["checks"]
            expected = (len(index["paths"]), *self.size, 3)
            if array.shape != expected or array.dtype != np.uint8 or not array.flags.c_contiguous:
                return False
            parts = [array[first : first + ROWS_A_CHECK] for first in range(0, len(array), ROWS_A_CHECK)]
            with ThreadPoolExecutor(threads) as pool:
                return list(pool.map(_checksum, parts)) == checks
        except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError):
            return False


@dataclass(frozen=True)
class CachedImages:
    """Rows of one cache, or of several, as a sequence of (H, W, 3) images."""

    caches: tuple[ImageCache, ...]
    cache_of_image: NDArray[np.int64]  # (n,) an index into caches
    rows: NDArray[np.int64]  # (n,) the row of each image in its cache

    @property
    def there(self) -> bool:
        """Whether the caches can be read, as they can from then on: this process has them mapped."""
        try:
            return all(cache.array is not None for cache in self.caches)
        except (OSError, ValueError):
            return False

    def __getitem__(self, position: int) -> Pixels:
        """A copy of an image, (H, W, 3)."""
        return np.array(self.caches[self.cache_of_image[position]].array[self.rows[position]])

    def take(self, positions: Sequence[int]) -> Pixels:
        """Images of a batch, (B, H, W, 3), at the speed of copying memory."""
        chosen = list(positions)
        of, rows = self.cache_of_image[chosen], self.rows[chosen]  # (B,), (B,)
        if len(self.caches) == 1:
            return np.take(self.caches[0].array, rows, axis=0)
        batch = np.empty((len(chosen), *self.caches[0].array.shape[1:]), np.uint8)
        for number, cache in enumerate(self.caches):
            batch[of == number] = cache.array[rows[of == number]]
        return batch


def cached_images(caches: Sequence[ImageCache], paths: Sequence[str]) -> CachedImages | None:
    """The images of a table's paths, in its order, from caches of one size; None where none of them holds a path."""
    known = {path: (number, row) for number, cache in enumerate(caches) for path, row in cache.row_of.items()}
    if not paths or not all(path in known for path in paths):
        return None
    places = np.array([known[path] for path in paths], np.int64)  # (n, 2)
    return CachedImages(tuple(caches), places[:, 0], places[:, 1])


def open_array(file: Path) -> Pixels:
    """The rows of a cache's images.npy, memory-mapped; ValueError for any other file: no archive, no objects."""
    array: Pixels = np.lib.format.open_memmap(file, mode="r")
    return array


def cache_bytes(images: int, size: Size) -> int:
    """Bytes that a cache of that many images takes, on disk and, once read, of the memory that the system lends."""
    return images * size[0] * size[1] * 3


def cache_place(cache: Path, root: Path, paths: Sequence[str], size: Size) -> ImageCache:
    """Where the cache of these files at this size is, or would be."""
    top = str(root)
    stats = [os.stat(os.path.join(top, path)) for path in paths]  # a Path of each would take longer than its stat
    files = sorted((path, stat.st_size, stat.st_mtime_ns) for path, stat in zip(paths, stats, strict=True))
    decoder = f"pillow {PIL.__version__}, draft, exif upright, cv2 {cv2.__version__}, area"
    key = json.dumps([VERSION, decoder, size, files])
    return ImageCache(cache / hashlib.blake2b(key.encode(), digest_size=10).hexdigest(), size)


def fill(array_file: Path, root: Path, size: Size, paths: Sequence[str], first: int) -> int:
    """Decode images into an array that is there already, its rows from `first` on; returns their checksum."""
    array = np.lib.format.open_memmap(array_file, mode="r+")
    for row, path in enumerate(paths, first):
        array[row] = working_image(decode_rgb(root / path, min_size=size), size)
    array.flush()
    return _checksum(array[first : first + len(paths)])


def _checksum(rows: Pixels) -> int:
    """Of (n, H, W, 3): against damage, not against an attacker; about as fast as memory is read."""
    return xxhash.xxh3_64_intdigest(rows.data)


def _read_index(folder: Path) -> dict[str, list[Any]]:
    index: dict[str, list[Any]] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    return index
