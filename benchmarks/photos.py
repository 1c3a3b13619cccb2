"""Photographs to time data paths with: JPEGs that are as hard to decode as a camera's, of people who do not exist.

A photograph's spectrum falls with frequency: here smooth fields of every coarseness add up, the finer the fainter, and
a little sensor noise. At 384x512 and quality 90 a file has about 50 KB. A coloured patch tells the class, so that a
network has something to learn. Seven a person, 18 classes, in the generic form: data.csv with path,label,group.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.labels import encode

SIZE = (512, 384)  # (H, W), as the mask competition's
QUALITY = 90
MASKS = (0, 0, 0, 0, 0, 1, 2)  # a person's seven images
NOISE = 4.5  # of 255
CSV = "data.csv"

Image = NDArray[np.uint8]  # (H, W, 3)


def write_photos(folder: Path, images: int, seed: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """Write `images` photographs of `size` (H, W) and the table of them; returns the table's path.

    Persons go through the six kinds of gender and age in turn, so that few have all classes.
    """
    number = np.arange(images)
    person, mask = number // len(MASKS), np.array(MASKS)[number % len(MASKS)]
    label = encode(mask, person % 6 // 3, person % 3)
    paths = [f"{person:06d}/{image:06d}.jpg" for image, person in enumerate(person)]
    for image, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = draw_photo(np.random.default_rng([seed, image]), int(label[image]), size)
        (folder / path).write_bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
    group = [f"{person:06d}" for person in person]
    pd.DataFrame({"path": paths, "label": label, "group": group}).to_csv(folder / CSV, index=False)
    return folder / CSV


def draw_photo(rng: np.random.Generator, label: int, size: tuple[int, int]) -> Image:
    """One photograph (H, W, 3) with the patch of its class."""
    height, width = size
    pixels: NDArray[Any] = np.full((1, 1, 3), 128, np.float32)
    for cells in (2**octave for octave in range(1, 8)):  # along the width
        pixels = cv2.resize(pixels, (cells, max(1, cells * height // width)), interpolation=cv2.INTER_CUBIC)
        pixels = pixels + rng.standard_normal(pixels.shape, np.float32) * (50 / cells**0.75)
    pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC)
    colour = 255 * np.array([label // 6, label // 3 % 2 * 2, label % 3], np.float64) / 2
    cv2.ellipse(pixels, (width // 2, height // 2), (width // 5, height // 5), 0, 0, 360, colour.tolist(), -1)
    pixels = pixels + rng.standard_normal((height, width, 1), np.float32) * NOISE
    return np.clip(pixels, 0, 255).astype(np.uint8)


