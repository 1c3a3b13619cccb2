"""Durable writes: a file is either the old one or the new one, whole, and damage to it is noticed.

Protocol of every write: bytes in memory -> temporary file in the same folder -> flush, fsync -> os.replace -> fsync of
the folder. Checkpoints (.pth) and arrays (.npz) are zip archives; their checksum travels as the archive's comment, so
plain ``torch.load`` and ``numpy.load`` still read them.
"""

import hashlib
import io
import json
import os
import struct
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.csv_text import csv_text
from data.errors import DataError

TEMPORARY = ".tmp"  # ending of a file that is being written; hidden, and rubbish once its writer is gone
_COMMENT_PREFIX = b"sha256:"
_COMMENT_LENGTH = len(_COMMENT_PREFIX) + 64  # hexadecimal digits of a sha256
_END_OF_ARCHIVE = b"PK\x05\x06"  # a zip's closing record: 22 bytes, the last two the comment's length


def write_bytes(path: Path, body: bytes, previous: Path | None = None) -> None:
    """Replace `path` by `body`, or leave it as it was; what it was before is kept as `previous`, if one is given.

    Killed just between the two renames, only `previous` is there. Raises OSError with the path and the bytes needed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide results from colleagues
            if previous is not None and path.exists():
                os.replace(path, previous)
            os.replace(temporary, path)
            _fsync_folder(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; {len(body):,} bytes were to be written", str(path)) from error


def remove_rubbish(folder: Path) -> None:
    """Delete what killed processes were writing into a folder; call it under the lock that its writers take."""
    for path in folder.glob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; its rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Replace `path` by UTF-8 text, durably."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by indented JSON; NaN and infinity are refused (ValueError), JSON has no such numbers."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """What `write_json` writes."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """The value in a JSON file; DataError where the file is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged: it should hold JSON ({error}).") from error


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Replace `path` by a CSV with the first row's keys as its header; floats are written with all their digits."""
    header = list(rows[0]) if rows else []
    if any(row.keys() - set(header) for row in rows):
        raise ValueError(f"{path}: a row has columns that the first one lacks")
    write_text(path, csv_text([header, *([row.get(name, "") for name in header] for row in rows)]))


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Replace `path` by an .npz of plain arrays (numbers or fixed-width text, never objects)."""
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **arrays)
    write_bytes(path, _seal(body.getvalue()))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz after its checksum; DataError where it is damaged, or holds what is no plain array."""
    archive = _unseal(path)
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as members:
            arrays: dict[str, NDArray[Any]] = {name: members[name] for name in members.files}
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("a member is no array")
    except Exception as error:  # the checksum can be forged with the rest, and then anything may be raised
        raise DataError(f"{path} is refused: plain arrays are expected in it ({_first_words(error)}).") from error
    return arrays


def write_checkpoint(path: Path, value: Mapping[str, Any], previous: Path | None = None) -> None:
    """Replace `path` by a ``torch.save`` of tensors and plain values; the file it was is kept as `previous`."""
    import torch  # here, so that reading finished runs never waits for torch

    body = io.BytesIO()
    torch.save(dict(value), body)
    write_bytes(path, _seal(body.getvalue()), previous)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Tensors and plain values of a checkpoint, checksum first, ``weights_only=True``.

    DataError where it is damaged, and where it is whole but another thing: arrays, or code in a pickle.
    """
    import torch

    archive = io.BytesIO(_unseal(path))
    try:
        value = torch.load(archive, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no type for it
        raise DataError(f"{path} is no checkpoint of this project ({' '.join(str(error).split())[:120]}).") from error
    if not isinstance(value, dict):
        raise DataError(f"{path} is no checkpoint of this project: it holds a {type(value).__name__}, not a dict.")
    return value


def file_digest(path: Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(archive: bytes) -> bytes:
    """The same zip archive with its sha256 as the archive's comment."""
    if archive[-22:-18] != _END_OF_ARCHIVE or archive[-2:] != b"\0\0":
        raise ValueError("only a zip archive without a comment can be sealed")
    comment = _COMMENT_PREFIX + hashlib.sha256(archive).hexdigest().encode()
    return archive[:-2] + struct.pack("<H", len(comment)) + comment


def _unseal(path: Path) -> bytes:
    """The archive as it was before sealing; DataError where a bit of it has changed since."""
    body = path.read_bytes()
    archive = body[: -_COMMENT_LENGTH - 2] + b"\0\0"
    if archive[-22:-18] != _END_OF_ARCHIVE or body != _seal(archive):
        raise DataError(f"{path} is damaged: its content does not match the checksum that was written with it.")
    _check_members(path, archive)
    return archive


def _check_members(path: Path, archive: bytes) -> None:
    """DataError unless members are stored as they are: a compressed one, or one listed often, may fill the memory."""
    try:
        members = zipfile.ZipFile(io.BytesIO(archive)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError(f"{path} is refused: it is no zip archive ({_first_words(error)}).") from error
    held, unpacked = len(archive), sum(member.file_size for member in members)
    if unpacked > held or any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise DataError(f"{path} is refused: {held:,} bytes would become {unpacked:,}; none are compressed in a run.")


def _first_words(error: Exception) -> str:
    """The first sentence of an error on one line: torch adds pages of advice."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words.partition(". ")[0][:200]
