"""Storage: which files a fold needs, and whether a node of a cluster sees those that the command sees."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from platform import node as node_name

from data.cache import IMAGES, INDEX
from runners.experiment import Experiment, build
from runners.fold_rows import Fold
from runners.run_folder import FoldFolder
from runners.state import TEMPORARY

_OUTSIDE = "outside"  # below it, images that are named by absolute paths


@dataclass(frozen=True)
class Mark:
    """A file whose text nobody else knows: who reads it sees the same folder, and not one of the same name."""

    path: Path
    text: str
    images: str  # a hash of the image files that the command sees; empty where caches hold every image


@contextmanager
def marked(fold: Fold) -> Iterator[Mark]:
    """A mark in the folder of a fold's run; hidden and temporary: no part of the run, and swept after a crash."""
    images = "" if all_cached(fold) else _listing(fold)
    text = secrets.token_hex(16)
    mark = Mark(fold.folder.root.parent.absolute() / f".storage-{text}{TEMPORARY}", text, images)
    mark.path.write_text(text)
    try:
        yield mark
    finally:
        mark.path.unlink(missing_ok=True)


def unseen(fold: Fold, mark: Mark) -> str:
    """What this node does not see of what a fold reads and writes, as a sentence without its end; empty: all is there.

    A cache's name says which files and pixels are in it. Where caches hold every image, no file of the data is needed.
    """
    try:
        found = mark.path.read_text()
    except OSError:
        found = None
    if found != mark.text:
        return f"node {node_name()} does not see the run's folder {mark.path.parent}"
    for images in fold.caches:
        if not (images.folder / INDEX).exists():
            return f"node {node_name()} does not see the cache {images.folder}"
    if mark.images and _listing(fold) != mark.images:
        return f"node {node_name()} does not see the files that the command sees in {fold.data.root}"
    return ""


def all_cached(fold: Fold) -> bool:
    """Whether caches hold every image of a fold's run, at each size that is asked for."""
    experiment = fold.experiment
    transforms = build("train_transform", experiment.train_transform), experiment.valid_transform()
    paths = set(_image_paths(fold))
    return all(
        paths <= {path for cache in fold.caches if cache.size == transform.working_size for path in cache.row_of}
        for transform in transforms
    )


def cache_files(fold: Fold) -> dict[str, Path]:
    """The files of a fold's caches by the names that they have on a node."""
    return {f"{cache.folder.name}/{name}": cache.folder / name for cache in fold.caches for name in (IMAGES, INDEX)}


def image_files(fold: Fold) -> dict[str, Path]:
    """The image files of a fold's run by the names that they have on a node."""
    return {image_name(path): fold.data.root / path for path in _image_paths(fold)}


def image_name(path: str) -> str:
    """The name of an image on a node, below the folder of what it was sent."""
    return f"{_OUTSIDE}{path}" if os.path.isabs(path) else f"data/{path}"


def _image_paths(fold: Fold) -> list[str]:
    return list(dict.fromkeys([*fold.data.train["path"], *fold.data.test["path"], *fold.sources.outside(fold.data)]))


def _listing(fold: Fold) -> str:
    """A hash of the name and size of every image file, as a run's identity knows them; -1 for one that can't be seen.

    None is read: that would take as long as an epoch.
    """
    digest = hashlib.sha256()
    for name, path in sorted(image_files(fold).items()):
        try:
            size = path.stat().st_size
        except OSError:
            size = -1
        digest.update(f"{name}\0{size}\0".encode())
    return digest.hexdigest()


def sendable(fold: Fold) -> Fold:
    """The fold as another machine understands it: absolute paths, and functions by the name of their true module."""
    return replace(
        fold,
        experiment=Experiment.from_record(fold.experiment.record()),  # what the module that is run defines too
        data=replace(fold.data, root=fold.data.root.absolute()),
        folder=FoldFolder(fold.folder.root.absolute()),
        caches=tuple(replace(images, folder=images.folder.absolute()) for images in fold.caches),
        tracking=fold.tracking and replace(fold.tracking, folder=fold.tracking.folder.absolute()),
    )
