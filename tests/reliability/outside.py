"""What lies outside the data folder, and who looks at it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOKS = ("open", "os.scandir", "os.listdir", "os.chdir", "os.link", "os.symlink", "os.rename", "os.remove", "os.mkdir")


class Guard:
    """Notes each file or folder below `place` that Python opens or lists while it is on; there is one a process.

    An audit hook sees every such call, whichever library makes it, and can't be taken away again: it is switched.
    """

    def __init__(self) -> None:
        self.place: str | None = None
        self.looked_at: list[str] = []
        sys.addaudithook(self._heed)

    def _heed(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.place is None or event not in _LOOKS:
            return
        for argument in arguments[:2]:
            if isinstance(argument, str | bytes | os.PathLike):
                path = os.path.realpath(os.fsdecode(argument))
                if path == self.place or path.startswith(self.place + os.sep):
                    self.looked_at.append(path)


_GUARD = Guard()


@contextmanager
def nothing_read_below(place: Path) -> Iterator[None]:
    """AssertionError where anything below `place` was opened or listed in the block."""
    _GUARD.place, _GUARD.looked_at = os.path.realpath(place), []
    try:
        yield
    finally:
        _GUARD.place = None
    assert not _GUARD.looked_at, _GUARD.looked_at
