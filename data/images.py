"""Image files decoded to RGB by the one function that training, validation and inference share."""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from data.errors import DataError
from data.png_checksums import check_png

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")   # Pillow reads some fifty; the rest is attack surface
MAX_PIXELS = 50_000_000
MOST_SCANS = 64                            # of a JPEG; encoders write some ten. Each goes over the whole image again
RUN_LENGTHS = (1, 2)                       # a BMP's compressions that Pillow unpacks byte by byte, in Python

EXIF_KEYS = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
EXIF_ORIENTATION = 0x0112
UPRIGHT_BY = {                             # EXIF orientation -> what turns the stored image upright (as in ImageOps)
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageHeader:
    """What a file says about its image before a pixel is decoded; height and width are those of the upright image."""

    height: int
    width: int
    format: str                            # one of FORMATS
    mode: str                              # Pillow's: RGB, L, LA, P, RGBA, CMYK, I;16, 1
    orientation: int                       # EXIF 1..8; 1 is upright


def decode_rgb(
    path: Path, *, max_pixels: int = MAX_PIXELS, min_size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Pixels of an image, uint8 (H, W, 3), upright (EXIF orientation applied); animations give their first frame.

    16-bit grey is scaled to 8 bits, alpha laid over white, CMYK, palette, grey and 1-bit converted. `min_size` (H, W)
    lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, as long as neither side falls below it.
    Raises DataError where the file is missing, in none of FORMATS, damaged, cut off, above `max_pixels`, or made to
    take many times as long as its size would: a JPEG of more than MOST_SCANS scans, a run-length coded BMP.
    """
    with _opened(path, max_pixels) as image:
        _check_content(path, image)
        if min_size is not None and image.format == "JPEG":
            height, width = min_size[::-1] if _orientation(image) >= 5 else min_size
            image.draft(image.mode, (width, height))                           # speaks of the image as stored
        rgb = _rgb(image)
        turn = UPRIGHT_BY.get(_orientation(image))                             # a PNG may carry its EXIF at the end
        return np.array(rgb if turn is None else rgb.transpose(turn))          # (H, W, 3)


def read_header(path: Path, *, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Size, format, mode and orientation, read without decoding; raises DataError as :func:`decode_rgb` does.

    An EXIF block behind a PNG's pixels is not seen (decoding does see it).
    """
    with _opened(path, max_pixels) as image:
        orientation = _orientation(image)
        width, height = image.size[::-1] if orientation >= 5 else image.size
        return ImageHeader(height, width, image.format or "", image.mode, orientation)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, max_pixels: int) -> Iterator[Image.Image]:
    """The image with its header read and its size accepted; every failure inside the block becomes a DataError."""
    try:
        with path.open("rb") as stream, _header(stream) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise DataError(f"{path}: {width}x{height} pixels; expected at most {max_pixels:,}.")
            yield image
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; expected an image.") from error
    except MemoryError as error:  # the file may be as good as any
        raise MemoryError(f"{path} could not be decoded") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: {_beginning(path)}; expected an image, {', '.join(FORMATS)}.") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too many pixels, expected at most {max_pixels:,} ({error}).") from error
    except Exception as error:   # a damaged file raises almost anything out of Pillow's parsers
        if isinstance(error, OSError) and error.strerror:                      # the system speaks, not Pillow
            raise DataError(f"{path} can't be read: {error.strerror}.") from error
        reason = str(error) or type(error).__name__
        raise DataError(f"{path}: the image is damaged or cut off ({reason}); expected one that decodes.") from error


def _header(stream: IO[bytes]) -> Image.Image:
    """The image, nothing decoded; Pillow's own warning of a size that is refused here in a sentence is not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(stream, formats=FORMATS)


def _check_content(path: Path, image: Image.Image) -> None:
    """DataError for what Pillow decodes and should not: what takes minutes within the limit of pixels; ValueError for
    a PNG whose own checksums are wrong.
    """
    if image.format == "BMP" and image.info.get("compression") in RUN_LENGTHS:
        raise DataError(f"{path} is a run-length coded BMP, which isn't read; save it as PNG.")
    if image.format not in ("JPEG", "PNG"):
        return
    with path.open("rb") as stream:
        if image.format == "PNG":
            check_png(stream)
            return
        # never among a scan's data: there a 0 follows each 0xff
        scans = sum(part.count(b"\xff\xda") for part in iter(partial(stream.read, 1 << 20), b""))
    if scans > MOST_SCANS:
        raise DataError(f"{path} has {scans:,} scans, made to take long; expected at most {MOST_SCANS}.")


def _rgb(image: Image.Image) -> Image.Image:
    """The decoded image in mode RGB, as stored (not yet turned upright)."""
    if image.mode.startswith("I"):                                             # 16-bit grey; convert() would clip it
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    image.load()                                                               # a PNG's last chunks complete its info
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """0..65535 to 0..255, rounded: 65535 / 255 is 257."""
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none or the EXIF block can't be parsed."""
    if not EXIF_KEYS & image.info.keys():   # getexif() would decode a PNG to look for a block at its end
        return 1
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
        return orientation if orientation in UPRIGHT_BY else 1
    except Exception:                       # a broken block beside the pixels is no broken image
        return 1


def _beginning(path: Path) -> str:
    """What a file that is no image begins with."""
    with path.open("rb") as stream:
        start = stream.read(16)
    return f"begins with {start!r}" if start else "is empty"
