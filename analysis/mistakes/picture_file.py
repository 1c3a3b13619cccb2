"""A picture on disk: the old one or the new one, whole."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from data.errors import DataError
from runners.state import write_bytes

DPI = 120


def write_picture(path: Path, picture: Figure | Image.Image) -> None:
    """Replace `path` by a PNG; DataError where it can't be written."""
    body = io.BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(body, format="png", dpi=DPI)
    else:
        picture.save(body, "PNG")
    try:
        write_bytes(path, body.getvalue())
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}.") from error
