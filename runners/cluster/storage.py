"""Shared storage: whether a node of a cluster sees the folders of a run."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from platform import node as node_name

from data.cache import INDEX
from runners.experiment import Experiment
from runners.fold_rows import Fold
from runners.run_folder import FoldFolder
from runners.state import TEMPORARY


@dataclass(frozen=True)
class Mark:
    """A file whose text nobody else knows: who reads it sees the same folder, and not one of the same name."""

    path: Path
    text: str


@contextmanager
def marked(root: Path) -> Iterator[Mark]:
    """A mark in a run's folder; hidden and temporary, so that it is no part of the run, and swept after a crash."""
    text = secrets.token_hex(16)
    mark = Mark(root.absolute() / f".storage-{text}{TEMPORARY}", text)
    mark.path.write_text(text)
    try:
        yield mark
    finally:
        mark.path.unlink(missing_ok=True)


def unseen(fold: Fold, mark: Mark) -> str:
    """What this node does not see of what a fold reads and writes, as a sentence without its end; empty: all is there.

    Of images decoded into caches no file is needed. A cache's name says which files and pixels are in it.
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
    if not fold.caches:
        for path in [*fold.data.train["path"][:1], *fold.data.test["path"][:1]]:
            if not (fold.data.root / path).exists():
                return f"node {node_name()} does not see the data in {fold.data.root}"
    return ""


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
