"""A fold on a node that sees none of our folders: its images and state are sent there, and its files come back.

Sent images stay on the node, below its folder of temporary files, for the next fold and the next run.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data.cache import ImageCache
from data.errors import DataError
from runners.cluster.storage import all_cached, cache_files, image_files, image_name
from runners.file_lock import locked
from runners.fold_rows import Fold
from runners.run_folder import FoldFolder
from runners.sources import Sources
from runners.state import write_bytes

_PIECE = 32 * 2**20  # bytes sent at a time
_UNPACK_SECONDS = 3600.0  # for another fold of this node to fetch the same images
_FETCHES = 2  # of images, before what arrives damaged is given up

Piece = list[tuple[str, int, bytes]]  # name of a file, offset in it, content


@dataclass(frozen=True)
class Parcel:
    """What a node is sent: images, in pieces that are fetched where they are not there yet, and a fold's state."""

    key: str
    sizes: Mapping[str, int]  # bytes of each file, by its name below the node's folder
    pieces: Sequence[Any]  # references; a node fetches one after the other
    caches: bool  # whether the files are caches of decoded images, or the images themselves
    state: Mapping[str, bytes] = field(default_factory=dict)  # of the fold's folder


def pack(fold: Fold, put: Callable[[Piece], Any], packed: dict[str, Parcel]) -> Parcel:
    """The images of a fold's run as a parcel: its caches where they hold all of them, else the files.

    `put` keeps a piece where nodes can fetch it, and returns what they fetch it by. `packed`: the parcels made before,
    by key; folds of the same images share one.
    """
    caches = all_cached(fold)
    files = cache_files(fold) if caches else image_files(fold)
    stats = {name: path.stat() for name, path in files.items()}
    # A cache's name is a hash of what is in it, and the time of its index is that of its last use
    listing = sorted((name, found.st_size, 0 if caches else found.st_mtime_ns) for name, found in stats.items())
    key = hashlib.blake2b(repr(listing).encode(), digest_size=10).hexdigest()
    if key not in packed:
        sizes = {name: found.st_size for name, found in stats.items()}
        packed[key] = Parcel(key, sizes, [put(piece) for piece in _pieces(files)], caches)
    return packed[key]


def _pieces(files: Mapping[str, Path]) -> Iterator[Piece]:
    """Content of files, some small ones together, a large one in parts."""
    piece: Piece = []
    room = _PIECE
    for name, path in files.items():
        with path.open("rb") as file:
            offset = 0
            while body := file.read(room):
                piece.append((name, offset, body))
                offset, room = offset + len(body), room - len(body)
                if not room:
                    yield piece
                    piece, room = [], _PIECE
    if piece:
        yield piece


@contextmanager
def unpacked(fold: Fold, parcel: Parcel, fetch: Callable[[Any], Piece]) -> Iterator[Fold]:
    """On the node: the same fold with its images and state in folders of this node. Trackers are elsewhere."""
    own = _own_folder()
    with _folder_of_a_fold(own) as folder:
        images = own / parcel.key
        caches = tuple(replace(cache, folder=images / cache.folder.name) for cache in fold.caches if parcel.caches)
        with locked(images, patience=_UNPACK_SECONDS):
            _have_images(images, parcel, caches, fetch, folder / "parcel", fold.compute.threads)
        root = folder / fold.folder.root.parent.name / fold.folder.root.name  # files bear the names of both
        root.mkdir(parents=True)
        for name, body in parcel.state.items():
            write_bytes(root / name, body)
        here = replace(fold, folder=FoldFolder(root), caches=caches, tracking=None)
        yield here if parcel.caches else _with_images(here, images)


def _with_images(fold: Fold, images: Path) -> Fold:
    """The fold with its images' files below a folder."""
    extras = tuple(
        tuple(replace(extra, rows=replace(extra.rows, table=_moved(extra.rows.table, images))) for extra in extras)
        for extras in fold.sources.extras
    )
    sources = Sources(extras, fold.sources.epochs, fold.sources.origin)
    return replace(fold, data=replace(fold.data, root=images / "data"), sources=sources)


def _moved(table: Any, images: Path) -> Any:
    moved = [str(images / image_name(path)) if os.path.isabs(path) else path for path in table["path"]]
    return table.assign(path=moved)


def _own_folder() -> Path:
    """This user's folder on the node; DataError where somebody else could have put something there."""
    own = Path(tempfile.gettempdir()) / f"kfold-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    found = own.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise DataError(f"{own} is not a folder of this user alone: it should be deleted.")
    return own


@contextmanager
def _folder_of_a_fold(own: Path) -> Iterator[Path]:
    """A folder for the block, and the end of those whose process was killed: the lock in each has gone with it."""
    with ExitStack() as held:
        with locked(own / "folds"):  # before it has its lock, a folder would look like one that was left
            for left in own.glob("fold-*"):
                with suppress(DataError), locked(left / "fold", patience=0):
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(dir=own, prefix="fold-"))
            held.enter_context(locked(folder / "fold"))
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _have_images(
    images: Path,
    parcel: Parcel,
    caches: Sequence[ImageCache],
    fetch: Callable[[Any], Piece],
    aside: Path,
    threads: int,
) -> None:
    """See that a parcel's images are there, fetched unless they are whole; call it under their folder's lock."""
    for _ in range(_FETCHES):
        if _are_whole(images, parcel, caches, threads):
            return
        shutil.rmtree(images, ignore_errors=True)
        for piece in parcel.pieces:
            for name, offset, body in fetch(piece):
                path = aside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("r+b" if offset else "wb") as file:
                    file.seek(offset)
                    file.write(body)
        aside.rename(images)
    if not _are_whole(images, parcel, caches, threads):
        shutil.rmtree(images, ignore_errors=True)
        raise DataError(f"What was sent into {images} was damaged {_FETCHES} times: its disk should be looked at.")


def _are_whole(images: Path, parcel: Parcel, caches: Sequence[ImageCache], threads: int) -> bool:
    """Whether every file has its length, and a cache its checksums; image files have none."""
    files = {images / name: size for name, size in parcel.sizes.items()}
    there = all(path.is_file() and path.stat().st_size == size for path, size in files.items())
    return there and all(cache.is_whole(threads) for cache in caches)


def _state_paths(folder: FoldFolder) -> list[Path]:
    """A fold's files in the order of a commit; `previous` is made again from each state."""
    return [folder.state, folder.best, folder.metrics, folder.timing, folder.predictions]


def folder_state(folder: FoldFolder) -> dict[str, bytes]:
    """What there is of a fold, by name of file: its last commit, and where a stop left it after that."""
    return {path.name: path.read_bytes() for path in (*_state_paths(folder), folder.stopped) if path.exists()}


def changed_files(folder: FoldFolder, seen: dict[str, tuple[int, int]]) -> dict[str, bytes]:
    """Files that are new, or replaced, since the last call with the same `seen`."""
    changed = {}
    for path in _state_paths(folder):
        try:
            found = path.stat()
            if seen.get(path.name) != (found.st_ino, found.st_mtime_ns):
                changed[path.name] = path.read_bytes()
                seen[path.name] = found.st_ino, found.st_mtime_ns
        except FileNotFoundError:  # not written yet, or just between the two renames of a commit
            continue
    return changed


def receive(folder: FoldFolder, files: Mapping[str, bytes]) -> None:
    """Write a fold's files as they came from a node, in the order of a commit; each state is newer than a stop's."""
    for path in _state_paths(folder):
        if path.name in files:
            write_bytes(path, files[path.name], previous=folder.previous if path == folder.state else None)
    if folder.state.name in files or folder.predictions.name in files:
        folder.stopped.unlink(missing_ok=True)
    if folder.predictions.name in files:
        folder.previous.unlink(missing_ok=True)
