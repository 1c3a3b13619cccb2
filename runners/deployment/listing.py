"""The images that a finished run is to predict: a data set's test list, or all that a folder holds."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from data.competition import TRAIN_CSV
from data.errors import DataError
from data.findings import some_names
from data.folders import ImageTree, nfc
from data.metadata import ImageData
from data.reading import CSV_NAMES, read_data

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")  # of what data.images reads, in either case


@dataclass(frozen=True)
class Listing:
    """Images below a root, none of them read yet."""

    root: Path
    table: pd.DataFrame  # image_id, path (POSIX, relative to root)
    data: ImageData | None  # whose test list it is; None: a folder's images, for which nothing can be handed in
    left_out: tuple[str, ...] = ()  # paths that are no images, or not below the folder


def read_listing(path: Path) -> Listing:
    """The test list of a data set (a competition's folder, a CSV with path,label,group), or a plain folder's images.

    A plain folder is searched with all below it; an image's id is its path. Hidden files are passed over. DataError
    where a data set has no test list, and where a folder has no image.
    """
    if path.is_file() or any((path / name).is_file() for name in (TRAIN_CSV, *CSV_NAMES)):
        data = read_data(path)
        if data.test.empty:
            raise DataError(
                f"{path} is a data set without a test list: a test.csv with a column path beside it, or a folder of "
                "images alone, would be right."
            )
        return Listing(data.root, data.test[["image_id", "path"]], data)
    if not path.is_dir():
        raise DataError(f"{path} does not exist: --data takes a data set, or a folder of images.")
    found, left_out = list[tuple[str, str]](), list[str]()
    _search(ImageTree(path), "", found, left_out)
    if not found:
        there = f"; it holds {some_names(left_out, 6)}" if left_out else ""
        raise DataError(f"{path} has no image ({', '.join(SUFFIXES)}) in it or below it{there}.")
    return Listing(path, pd.DataFrame(found, columns=["image_id", "path"], dtype="str"), None, tuple(left_out))


def check_classes(listing: Listing, class_names: tuple[str, ...], run: str) -> None:
    """DataError where a submission would name other classes than those a run tells apart."""
    if listing.data is not None and listing.data.class_names != class_names:
        raise DataError(
            f"{listing.root} has the classes {some_names(list(listing.data.class_names), 4)}, and {run} tells apart "
            f"{some_names(list(class_names), 4)}: the folder of its test images alone can be predicted all the same."
        )


def _search(tree: ImageTree, folder: str, found: list[tuple[str, str]], left_out: list[str]) -> None:
    """Images of a folder, then of those in it, by name."""
    listing = tree.folder(below=folder)
    prefix = f"{folder}/" if folder else ""
    for name, on_disk in sorted(listing.files.items()):
        if PurePosixPath(name).suffix.lower() in SUFFIXES:
            found.append((nfc(f"{prefix}{name}"), f"{prefix}{on_disk}"))
        else:
            left_out.append(f"{prefix}{on_disk}")
    left_out += [f"{prefix}{name}" for name in sorted(listing.refused)]
    for _, on_disk in sorted(listing.folders.items()):
        if (tree.root / prefix / on_disk).is_symlink():  # it may lead in a circle
            left_out.append(f"{prefix}{on_disk}")
        else:
            _search(tree, f"{prefix}{on_disk}", found, left_out)
