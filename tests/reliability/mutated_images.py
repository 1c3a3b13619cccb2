"""Image files of every format, mode and orientation, and what a disk, a transfer or an attacker makes of them."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

ORIENTATION = 0x0112
MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK", "P with transparency")
WRITTEN = {  # format -> the modes that Pillow writes it in
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16", "P with transparency"),
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("RGB", "L", "P", "1"),
}
EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp"}
SIZES = ((24, 16), (17, 33), (64, 48))  # (H, W)


@dataclass(frozen=True)
class ImageFile:
    """A file, what was done to it, and whether it must still give the pixels that it gave before."""

    name: str
    body: bytes
    whole: bytes  # the file before
    change: str
    same_pixels: bool


def image_file(number: int) -> ImageFile:
    """The file of a number: each of them another, the same at every run."""
    rng = np.random.default_rng(number)
    pairs = [(format_, mode) for format_, modes in WRITTEN.items() for mode in modes]
    format_, mode = pairs[number % len(pairs)]
    orientation = 1 + (number // len(pairs)) % 8 if format_ != "BMP" else 1
    whole = encoded(picture(SIZES[number % len(SIZES)], mode, rng), format_, orientation)
    change = CHANGES[number // 3 % len(CHANGES)]
    body, extension = bytearray(whole), EXTENSIONS[format_]
    if change == "wrong extension":
        extension = [each for each in EXTENSIONS.values() if each != extension][rng.integers(3)]
    elif change == "truncated":
        del body[rng.integers(len(body)) :]
    elif change == "bits flipped":
        for position in rng.integers(0, len(body), rng.integers(1, 9)):
            body[position] ^= 1 << int(rng.integers(8))
    elif change == "bytes behind":
        body += rng.bytes(rng.integers(1, 200))
    elif change == "part overwritten":
        start, length = rng.integers(len(body)), rng.integers(1, 40)
        body[start : start + length] = rng.bytes(min(length, len(body) - start))
    elif change == "part missing":
        start = rng.integers(len(body))
        del body[start : start + rng.integers(1, 40)]
    same = change in ("none", "wrong extension", "bytes behind")
    return ImageFile(f"{number} {mode} {change}.{extension}".replace(";", ""), bytes(body), whole, change, same)


CHANGES = ("none", "wrong extension", "truncated", "bits flipped", "bytes behind", "part overwritten", "part missing")


def picture(size: tuple[int, int], mode: str, rng: np.random.Generator) -> Image.Image:
    """Smooth colours with some noise in a mode of MODES."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    colours = np.stack([x * 255 / size[1], y * 255 / size[0], (x + y) * 255 / sum(size), 255 - x], axis=-1)
    pixels = np.clip(colours + rng.normal(0, 4, colours.shape), 0, 255).astype(np.uint8)
    rgb = Image.fromarray(pixels[..., :3])
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    if mode in ("RGBA", "LA"):
        return Image.fromarray(pixels).convert(mode)
    if mode.startswith("P"):
        palette = rgb.quantize(16)
        if mode != "P":
            palette.info["transparency"] = 3
        return palette
    return rgb.convert(mode)


def encoded(image: Image.Image, format_: str, orientation: int) -> bytes:
    """The file; lossless where the format can."""
    options: dict[str, object] = {"lossless": True} if format_ == "WEBP" else {}
    if format_ != "BMP":
        block = Image.Exif()
        block[ORIENTATION] = orientation
        options["exif"] = block.tobytes()
    if "transparency" in image.info:
        options["transparency"] = image.info["transparency"]
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def bombs() -> dict[str, bytes]:
    """Files of some hundred bytes whose headers speak of up to 4e9 pixels, or whose few pixels take minutes."""
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 31_623, 31_623, 8, 2, 0, 0, 0))
    jpeg = encoded(Image.new("RGB", (16, 16)), "JPEG", 1)
    bmp = encoded(Image.new("RGB", (16, 16)), "BMP", 1)
    scan = encoded(Image.new("L", (7_000, 7_000)), "JPEG", 1)
    progressive = io.BytesIO()
    Image.new("L", (7_000, 7_000), 90).save(progressive, "JPEG", progressive=True)
    scan = progressive.getvalue()
    last = scan[scan.rindex(b"\xff\xda") : -2]
    return {
        "1e9.png": png + _chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + _chunk(b"IEND", b""),
        "1e8.png": png.replace(struct.pack(">I", 31_623), struct.pack(">I", 10_000)),
        "4e9.jpg": jpeg.replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 65_500, 65_500)),
        "1e9.bmp": bmp.replace(struct.pack("<ii", 16, 16), struct.pack("<ii", 31_623, 31_623)),
        "1e9.webp": _webp(31_623, 31_623),
        "51e6.webp": _webp(7_142, 7_142),
        "2e8.webp": _webp(13_300, 13_300),
        "runs.bmp": _run_lengths(49_999_999, 1),
        "scans.jpg": scan[:-2] + 500 * last + scan[-2:],
    }


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _webp(width: int, height: int) -> bytes:
    """An animation whose canvas is of this size, and whose only frame is of 16 x 16 pixels."""
    still = io.BytesIO()
    Image.new("RGB", (16, 16)).save(still, "WEBP", lossless=True)
    frame = bytes(6) + bytes([15, 0, 0, 15, 0, 0, 0, 0, 1, 0]) + still.getvalue()[12:]
    canvas = bytes([2, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    parts = ((b"VP8X", canvas), (b"ANIM", bytes(6)), (b"ANMF", frame))
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _run_lengths(width: int, height: int) -> bytes:
    """A run-length coded BMP that ends its first row after one pixel."""
    pixels = b"\1\1\0\0\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0) + bytes(1024)
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels
