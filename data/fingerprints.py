"""What an image file is and what it shows, as two hashes, kept beside the caches: each file is looked at once."""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from data.checks import inspect_images
from data.errors import DataError

STORE = "fingerprints.json"  # in the folder of the caches
_VERSION = 1  # of the hashes: data.duplicates.perceptual_hash


def fingerprints(
    paths: Sequence[Path], folder: Path, *, workers: int | None = None, tick: Callable[[int, int], None]
) -> pd.DataFrame:
    """Columns sha256 (of the bytes) and phash (of the picture, see data.duplicates), a row a path.

    Files that were looked at before, and have the same length and time of change, are not read again; `tick(done,
    total)` counts the others. Raises DataError for a file that does not decode.
    """
    store = folder / STORE
    known = _read(store)
    keys = [_key(path) for path in paths]
    new = {key: path for key, path in zip(keys, paths, strict=True) if key not in known}
    for key, facts in zip(new, inspect_images(list(new.values()), workers, tick), strict=True):
        if facts.error:
            raise DataError(facts.error)
        known[key] = [facts.sha256, facts.phash]
    if new:
        _write(store, known)
    return pd.DataFrame([known[key] for key in keys], columns=["sha256", "phash"])


def _key(path: Path) -> str:
    stat = path.stat()
    return f"{_VERSION} {path.resolve()} {stat.st_size} {stat.st_mtime_ns}"


def _read(store: Path) -> dict[str, list[str]]:
    """What was kept; a file that is damaged is worth nothing, and is made again."""
    try:
        kept = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    good = isinstance(kept, dict) and all(isinstance(value, list) and len(value) == 2 for value in kept.values())
    return kept if good else {}


def _write(store: Path, known: dict[str, list[str]]) -> None:
    """Replace the file at once: another process reads the old one or the new one."""
    store.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=store.parent, prefix=f".{store.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(known, file)
        os.replace(temporary, store)
    finally:
        Path(temporary).unlink(missing_ok=True)
