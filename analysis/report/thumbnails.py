"""Small pictures for the report, as many as its size allows. Faces are personal data: only made when asked for."""

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from data.images import decode_rgb

SIZE = (72, 96)  # width, height in pixels of the box a picture is fitted into
QUALITY = 55  # of WebP: about 1.2 kB a face


def thumbnail(path: Path) -> str:
    """A file's picture as base64 of a WebP without its metadata; DataError where the file is no image."""
    width, height = SIZE
    image = Image.fromarray(decode_rgb(path, min_size=(height, width)))
    image.thumbnail(SIZE, Image.Resampling.LANCZOS)
    body = io.BytesIO()
    image.save(body, "WEBP", quality=QUALITY, method=4)
    return base64.b64encode(body.getvalue()).decode("ascii")


def thumbnails(root: Path, paths: Iterable[tuple[int, str]], budget: int) -> dict[int, str]:
    """Pictures by number of (number, path below root), in the given order until `budget` characters are spent."""
    made: dict[int, str] = {}
    spent = 0
    for number, path in paths:
        picture = thumbnail(root / path)
        spent += len(picture)
        if spent > budget:
            break
        made[number] = picture
    return made
