"""Every call by which a commit changes a disk, counted, and made to fail at a chosen one."""

import errno
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

Failure = Literal["kill", "EIO", "ENOSPC"]
FAILURES: tuple[Failure, ...] = ("kill", "EIO", "ENOSPC")
CALLS = {(os, "fsync"): "fsync", (os, "replace"): "replace", (tempfile, "mkstemp"): "create", (os, "chmod"): "chmod"}


class Killed(BaseException):
    """Ends a run at once, as a signal does: nobody catches it."""


@dataclass
class Points:
    """The calls so far, in order; the one of number `fails_at` (from 0) fails in the way of `failure`.

    A kill leaves half of what was being written, and nothing is cleaned up after it. A full disk stays full.
    """

    fails_at: int | None = None
    failure: Failure = "kill"
    seen: list[str] = field(default_factory=list)
    dead: bool = False

    def reach(self, call: str) -> None:
        """Come to a call, and fail there if it is the one."""
        self.seen.append(call)
        full = self.failure == "ENOSPC" and self.dead and call not in ("replace", "chmod")
        if self.dead and self.failure == "kill":
            raise Killed
        if len(self.seen) - 1 == self.fails_at or full:
            self.dead = True
            if self.failure == "kill":
                raise Killed
            number = errno.EIO if self.failure == "EIO" else errno.ENOSPC
            raise OSError(number, os.strerror(number))

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Count and fail from now on; undone with the patch."""
        for (module, name), call in CALLS.items():
            patch.setattr(module, name, self._counted(getattr(module, name), call))
        opened, opened_path, unlink = os.fdopen, Path.open, os.unlink
        patch.setattr(os, "fdopen", lambda *arguments, **keywords: File(opened(*arguments, **keywords), self))

        def open_path(path: Path, mode: str = "r", **keywords: Any) -> Any:
            if mode != "wb":
                return opened_path(path, mode, **keywords)
            self.reach("create")
            return File(opened_path(path, mode), self)

        patch.setattr(Path, "open", open_path)

        def unlink_if_alive(*arguments: Any, **keywords: Any) -> None:
            if not (self.dead and self.failure == "kill"):
                unlink(*arguments, **keywords)

        patch.setattr(os, "unlink", unlink_if_alive)

    def _counted(self, function: Any, call: str) -> Any:
        def counted(*arguments: Any, **keywords: Any) -> Any:
            self.reach(call)
            return function(*arguments, **keywords)

        return counted


class File:
    """A file whose writes are counted; one that fails has written half."""

    def __init__(self, file: Any, points: Points) -> None:
        self.file, self.points = file, points

    def write(self, body: bytes) -> int:
        try:
            self.points.reach("write")
        except BaseException:
            self.file.write(body[: len(body) // 2])
            self.file.flush()
            raise
        return int(self.file.write(body))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
