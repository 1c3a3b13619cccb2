"""A finished run's files, each checked against the manifest before it is read: what was changed since is no result."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import DataError
from runners.run_folder import RunFolder
from runners.state import file_digest, read_json


@dataclass(frozen=True)
class SealedRun:
    """The files of a run and their digests as MANIFEST.json has them."""

    folder: RunFolder
    digests: Mapping[str, Any]

    def has(self, path: Path) -> bool:
        """Whether the run wrote the file; DataError where it did, and the file is gone or another."""
        written = self.digests.get(path.relative_to(self.folder.root).as_posix())
        if written is None:
            return False
        if not path.exists():
            raise DataError(f"{path} is gone; MANIFEST.json lists it. Put it back, or make the run again.")
        if file_digest(path) != written:
            raise DataError(f"{path} is not the file its run wrote (its sha256 is not that of MANIFEST.json).")
        return True

    def json(self, path: Path) -> dict[str, Any]:
        """The object in a file, empty where the run wrote no such file."""
        value = read_json(path) if self.has(path) else {}
        if not isinstance(value, dict):
            raise DataError(f"{path} is damaged: it should hold one JSON object.")
        return value


def sealed(folder: RunFolder) -> SealedRun:
    """A finished run; DataError where it is not finished or its manifest is none."""
    if not folder.finished:
        raise DataError(f"{folder.root} is not finished (it has no MANIFEST.json).")
    digests = read_json(folder.manifest)
    if not isinstance(digests, dict):
        raise DataError(f"{folder.manifest} is damaged: expected names of files with their sha256.")
    return SealedRun(folder, digests)


def check_results(run: RunFolder) -> RunFolder:
    """The run, where all that analysis reads of it is as it was written; DataError names the file that is not."""
    files = sealed(run)
    for path in (run.oof, run.test, run.scores, run.folds, run.submission):
        files.has(path)
    return run
