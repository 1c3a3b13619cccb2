"""Files below a data folder: hidden ones set aside, names found in either Unicode form, nothing outside is reached."""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from data.errors import DataError, quote

HIDDEN_NAMES = ("Thumbs.db", "desktop.ini", "__MACOSX")   # besides everything that starts with a dot


@dataclass(frozen=True)
class Folder:
    """A folder's entries by NFC name; hidden ones are left out."""

    path: str                                               # of the folder, as on disk, relative to the root
    files: dict[str, str] = field(default_factory=dict)     # -> name on disk
    folders: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)   # -> why: a link leading outside, a pipe ...


class ImageTree:
    """Files below a root, each folder listed once; names are found in either Unicode form, nothing leads outside."""

    def __init__(self, root: Path) -> None:
        """Nothing is listed before it is asked for."""
        self.root = root
        self.hidden: list[str] = []                         # paths of what was set aside, relative to root
        self._real_root = os.path.realpath(root)
        self._listed: dict[str, Folder] = {}

    def file(self, relative: str, below: str = "") -> str:
        """Path on disk, POSIX, relative to root, of a file named from the folder `below`; DataError where none is."""
        return self._find(relative, below, "file")

    def folder(self, relative: str = "", below: str = "") -> Folder:
        """Listing of a folder named from the folder `below`; "" is the root's; DataError where there is none."""
        return self._list(self._find(relative, below, "folder") if relative else below)

    def _find(self, relative: str, folder: str, kind: str) -> str:
        windows = PureWindowsPath(relative)
        parts = PurePosixPath(relative).parts
        if not parts or ".." in parts or windows.drive or windows.root or "\\" in relative:
            raise DataError(f"{quote(relative)} is not a path below the data folder, written with / and without '..'")
        for part in parts[:-1]:
            folder = self._entry(folder, nfc(part), "folder")
        return self._entry(folder, nfc(parts[-1]), kind)

    def _entry(self, folder: str, name: str, kind: str) -> str:
        listing = self._list(folder)
        found = (listing.files if kind == "file" else listing.folders).get(name)
        if found is None:
            reason = listing.refused.get(name, "is hidden and skipped" if _hidden(name) else "does not exist")
            raise DataError(f"{kind} {quote(name)} in {self.root / folder} {reason}")
        return f"{folder}/{found}" if folder else found

    def _list(self, folder: str) -> Folder:
        if folder not in self._listed:
            try:
                with os.scandir(os.path.join(self.root, folder)) as entries:  # a Path takes longer than its listing
                    self._listed[folder] = self._sorted(folder, sorted(entries, key=lambda entry: entry.name))
            except OSError as error:
                raise DataError(f"{self.root / folder} can't be listed: {error.strerror}") from error
        return self._listed[folder]

    def _sorted(self, folder: str, entries: list[os.DirEntry[str]]) -> Folder:
        listing = Folder(folder)
        for entry in entries:
            name = nfc(entry.name)
            if _hidden(name):
                hidden = f"{folder}/{entry.name}" if folder else entry.name
                self.hidden.append(os.fsencode(hidden).decode("utf-8", "backslashreplace"))
            elif name in listing.files or name in listing.folders:
                listing.refused[name] = "is there twice, in two Unicode forms"
            elif name.encode("utf-8", "ignore").decode() != name:
                listing.refused[name] = "has a name that is not UTF-8"
            elif entry.is_symlink() and not os.path.realpath(entry.path).startswith(self._real_root + os.sep):
                listing.refused[name] = "is a link to a place outside the data folder"
            elif os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file():   # a link may lead in a circle
                listing.files[name] = entry.name
            elif os.path.isdir(entry.path):
                listing.folders[name] = entry.name
            else:
                listing.refused[name] = "is neither a file nor a folder"
        for name in listing.refused:
            listing.files.pop(name, None)
            listing.folders.pop(name, None)
        return listing


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in HIDDEN_NAMES


def nfc(name: str) -> str:
    """Unicode's composed form: macOS writes decomposed file names, the CSV beside them mostly is composed."""
    return unicodedata.normalize("NFC", name)
