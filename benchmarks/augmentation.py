"""What each augmentation pipeline costs an image, beside taking the image from the cache.

`python -m benchmarks.augmentation [--sizes 128 224] [--images N] [--rounds R]`

Pipelines as the experiments that use them declare them. A data set makes batches of its images as in training, from
memory-mapped pixels; what taking alone costs is the first row, and the others are over it. albumentations' own light
pipeline is there for comparison: the same steps as `flip_shift_colour`, seeded for each image as a run needs it.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.rounds import Contestant, take_turns
from data.augmentations import crop_blur_cutout, face_cutout
from data.cache import IMAGES, INDEX, ImageCache
from data.datasets import ImageDataset
from data.transforms import Transform, flip_shift_colour, mirror, resize, seeded

Size = tuple[int, int]

BATCH = 64
LIGHT: dict[str, Any] = {"flip": 0.5, "shift": 0.05, "scale": 0.1, "rotate": 8.0, "brightness": 0.15, "contrast": 0.15}
COLOURS: dict[str, Any] = {"brightness": 0.3, "contrast": 0.3, "hue": 10, "saturation": 30, "clahe": 0.3}
TAKE = "resize: nothing but the cache"


def albumentations_light(*, size: Size) -> Transform:
    """The steps of flip_shift_colour, by albumentations."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as A

    steps = [
        A.HorizontalFlip(p=LIGHT["flip"]),
        A.Affine(
            translate_percent=(-LIGHT["shift"], LIGHT["shift"]),
            scale=(1 - LIGHT["scale"], 1 + LIGHT["scale"]),
            rotate=(-LIGHT["rotate"], LIGHT["rotate"]),
            border_mode=cv2.BORDER_REFLECT_101,
            p=1.0,
        ),
        A.RandomBrightnessContrast(LIGHT["brightness"], LIGHT["contrast"], p=1.0),
    ]
    return seeded(A.Compose(steps), size, working_size=size)


PIPELINES: Mapping[str, Callable[..., Transform]] = {
    TAKE: resize,
    "mirror": partial(mirror, flip=0.5),
    "flip_shift_colour": partial(flip_shift_colour, **LIGHT),
    "the same by albumentations": albumentations_light,
    "face_cutout": partial(
        face_cutout,
        crop=(0.75, 0.75),
        flip=0.5,
        shift=0.05,
        scale=0.1,
        rotate=8,
        cutout=0.3,
        cutout_side=0.3,
        **COLOURS,
    ),
    "crop_blur_cutout": partial(
        crop_blur_cutout, crop=0.75, flip=0.5, rotate=15, blur=0.3, noise=0.3, cutout=0.5, cutout_side=0.4, **COLOURS
    ),
}


def make_cache(folder: Path, images: int, size: Size) -> ImageCache:
    """A cache of smooth random pictures at `size`, as open_cache leaves one."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    array = np.lib.format.open_memmap(folder / IMAGES, mode="w+", dtype=np.uint8, shape=(images, *size, 3))
    for row in range(images):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        array[row] = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    array.flush()
    paths = [f"{row}.png" for row in range(images)]
    (folder / INDEX).write_text(json.dumps({"paths": paths, "checks": []}), encoding="utf-8")
    return ImageCache(folder, size)


def data_set(pipeline: Callable[..., Transform], folder: Path, images: int, side: int) -> ImageDataset:
    """A data set over a cache at the size that the pipeline works on."""
    transform = pipeline(size=(side, side))
    size = transform.working_size or transform.size
    place = folder / f"{size[0]}x{size[1]}"
    cache = ImageCache(place, size) if place.exists() else make_cache(place, images, size)
    names = [f"{row}.png" for row in range(images)]
    return ImageDataset(folder, pd.DataFrame({"image_id": names, "path": names}), transform, seed=1, caches=[cache])


def epoch_of(images: ImageDataset) -> Contestant:
    """Every image once, in batches, in a shuffled order."""
    keys = [(1, int(row)) for row in np.random.default_rng(0).permutation(len(images))]
    batches = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]

    def turn() -> None:
        for batch in batches:
            images.__getitems__(batch)

    return turn


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a size."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augmentation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 224])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args(arguments)
    print(f"{'':30}" + "".join(f"{f'{side} px: us':>14}{'over':>8}" for side in chosen.sizes))
    with tempfile.TemporaryDirectory() as folder:
        found = {
            side: take_turns(
                {
                    name: epoch_of(data_set(pipeline, Path(folder), chosen.images, side))
                    for name, pipeline in PIPELINES.items()
                },
                chosen.rounds,
            )
            for side in chosen.sizes
        }
    for name in PIPELINES:
        row = ""
        for side in chosen.sizes:
            costs = [cost.cpu / chosen.images * 1e6 for cost in found[side].costs[name]]
            alone = [cost.cpu / chosen.images * 1e6 for cost in found[side].costs[TAKE]]
            over = statistics.median(cost - other for cost, other in zip(costs, alone, strict=True))
            row += f"{statistics.median(costs):>14.0f}{over:>8.0f}"
        print(f"{name:30}{row}")
    print(f"CPU microseconds an image, one thread; medians of {chosen.rounds} rounds; over: beside the first row")
    print(machine())


if __name__ == "__main__":
    main()
