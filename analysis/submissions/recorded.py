"""A submission file and, beside it, the record of how it came about: the two are known by the file's sha256."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from data.errors import DataError
from data.submission import SubmissionForm, write_answers
from runners.state import file_digest, read_json, write_json


def record_path(path: Path) -> Path:
    """Where the record of a submission lies: beside it, .json in place of .csv."""
    return path.with_suffix(".json")


def check_writable(path: Path) -> None:
    """DataError where `path` is no .csv, has no folder, or is a file that was not written here: it is not replaced."""
    if path.suffix != ".csv":
        raise DataError(f"{path}: a submission's name ends in .csv; its record lies beside it, in .json.")
    if not path.parent.is_dir():
        raise DataError(f"{path.parent} is no folder; make it, or name another file.")
    record = record_path(path)
    there = [str(each) for each in (path, record) if each.exists()]
    if not there:
        return
    written = read_json(record) if path.is_file() and record.is_file() else None
    if not isinstance(written, dict) or written.get("sha256") != file_digest(path):
        raise DataError(
            f"{' and '.join(there)}: there already, and not a submission with the record of it that such a "
            "command wrote; nothing is replaced, name another file."
        )


def write_recorded(
    path: Path, form: SubmissionForm, image_ids: Sequence[str], labels: ArrayLike, record: Mapping[str, Any]
) -> str:
    """Write a submission and its record with the file's sha256, which is returned; both durably, as a whole.

    Arguments as for :func:`data.submission.write_answers`. A file of its own earlier writing is replaced, with its
    record; any other is refused (DataError).
    """
    check_writable(path)
    try:
        record_path(path).unlink(missing_ok=True)  # should this be cut short, no record speaks for another file
        write_answers(path, form, image_ids, labels)
        digest = file_digest(path)
        write_json(record_path(path), {"file": path.name, "sha256": digest, **record})
    except OSError as error:
        raise DataError(f"{record_path(path)} can't be written: {error.strerror}; {path} has no record.") from error
    return digest
