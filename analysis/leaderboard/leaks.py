"""Images that stand on both sides of a split: of a person in two folds, or near-duplicates of images trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from data.errors import DataError
from data.images import decode_rgb

SIDE = 16               # pixels of a thumbnail's side
NEAR_DUPLICATE = 0.99   # correlation of thumbnails. Measured on photographs and on drawn faces: copies saved at JPEG
                        # quality 50 or at half the size are above .999, images of two people below .97
_ROWS = 2048            # of the similarity matrix held at once


@dataclass(frozen=True)
class Leaks:
    """Which validated images (N,) leaked, and the sentence that says why."""

    images: NDArray[np.bool_]
    text: str


def find_leaks(table: pd.DataFrame, thumbnails: NDArray[np.float32] | None = None) -> Leaks:
    """Leaked images of a split: table with the columns image_id, person, fold (N rows); fold -1 is always trained on.

    A validated image has leaked if its person has images in another fold, or if an image in another fold has nearly the
    same thumbnail: thumbnails (N, D) of :func:`read_thumbnails`, None where the images are not at hand.
    """
    folds = table["fold"].to_numpy(np.int64)
    validated = folds >= 0
    split_person = table.groupby("person")["fold"].transform("nunique").to_numpy() > 1
    by_person = split_person & validated
    texts = [f"{int(table.loc[by_person, 'person'].nunique())} persons are on both sides"]
    if thumbnails is None:
        texts.append("near-duplicate images were not looked for (--data PATH does it)")
        return Leaks(by_person, ", ".join(texts))
    twin = _twins_in_other_folds(thumbnails, folds)
    by_image = (twin >= 0) & validated
    texts.append(f"{int(by_image.sum())} validated images have a near-duplicate among those trained on")
    if by_image.any():
        first = int(np.argmax(by_image))
        texts.append(f"such as {table['image_id'].iloc[first]} and {table['image_id'].iloc[twin[first]]}")
    return Leaks(by_person | by_image, ", ".join(texts))


def read_thumbnails(root: Path, table: pd.DataFrame) -> NDArray[np.float32]:
    """Grey thumbnails of a table's images, (N, SIDE * SIDE), each of mean 0 and length 1; DataError as decoding does.

    Brightness and contrast are gone, and so is what a second JPEG compression or another size would change.
    """
    missing = [path for path in table["path"] if not (root / path).is_file()]
    if missing:
        raise DataError(f"{root} lacks {len(missing)} of the run's {len(table)} images, such as {missing[0]}; give the "
                        "data that it was made on.")
    return np.stack([_thumbnail(root / path) for path in table["path"]])


def _thumbnail(path: Path) -> NDArray[np.float32]:
    grey = Image.fromarray(decode_rgb(path, min_size=(4 * SIDE, 4 * SIDE))).convert("L")
    values = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1.0)     # a plain image is like nothing


def _twins_in_other_folds(thumbnails: NDArray[np.float32], folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each image (N,) the row of its nearest thumbnail in another fold, -1 where none is a near-duplicate."""
    twins = np.full(len(folds), -1)
    for start in range(0, len(folds), _ROWS):
        rows = slice(start, start + _ROWS)
        likeness = thumbnails[rows] @ thumbnails.T                          # (rows, N)
        likeness[folds[rows, None] == folds] = -1
        nearest = likeness.argmax(1)
        found = likeness[np.arange(len(nearest)), nearest] >= NEAR_DUPLICATE
        twins[rows] = np.where(found, nearest, -1)
    return twins
