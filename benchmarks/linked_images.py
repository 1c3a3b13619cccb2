"""Data sets of any size in seconds: few JPEGs are drawn, and everybody's images are hard links to them.

Each link has a path of its own and is read, decoded and cached as any file is; only the disk is spared.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from data.labels import STEM_TO_MASK

DRAWN = 64  # JPEGs; below, a file system's limit of 65,000 links to one file allows 4 million images
IMAGES = len(STEM_TO_MASK)  # a person
Size = tuple[int, int]  # (H, W)


def write_competition(root: Path, images: int, size: Size) -> Path:
    """The mask competition's train folder with at least `images` images of whole persons; returns its root."""
    persons = -(-images // IMAGES)
    links = _links(root, size)
    rng = np.random.default_rng(0)
    genders, ages = rng.integers(2, size=persons).tolist(), rng.integers(18, 61, persons).tolist()
    rows = []
    for person, (gender, age) in enumerate(zip(genders, ages, strict=True)):
        name = f"{person:07d}_{age}"
        folder = root / "train/images" / name
        folder.mkdir(parents=True)
        for stem in STEM_TO_MASK:
            os.link(next(links), folder / f"{stem}.jpg")
        rows.append((f"{person:07d}", ("male", "female")[gender], "Asian", age, name))
    _write_csv(root / "train/train.csv", ("id", "gender", "race", "age", "path"), rows)
    return root


def write_csv_data(root: Path, images: int, size: Size) -> Path:
    """A data.csv with path,label,group of `images` images, seven a group, in folders of a thousand; returns it."""
    links = _links(root, size)
    labels = np.random.default_rng(0).integers(18, size=images).tolist()
    rows = []
    for number, label in enumerate(labels):
        path = f"images/{number // 1000:05d}/{number:08d}.jpg"
        if number % 1000 == 0:
            (root / path).parent.mkdir(parents=True)
        os.link(next(links), root / path)
        rows.append((path, f"class {label:02d}", f"group {number // IMAGES:07d}"))
    _write_csv(root / "data.csv", ("path", "label", "group"), rows)
    return root / "data.csv"


def _links(root: Path, size: Size) -> Iterator[Path]:
    """The drawn files in turn, for ever; they lie in a hidden folder, which no data set is read from."""
    rng = np.random.default_rng(0)
    folder = root / ".drawn"
    folder.mkdir(parents=True)
    for number in range(DRAWN):
        coarse = rng.integers(256, size=(4, 3, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    return (folder / f"{number % DRAWN}.jpg" for number in count())


def _write_csv(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
