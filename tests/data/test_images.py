"""Every kind of image file becomes the right RGB pixels or one sentence."""

import io
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from data.errors import DataError
from data.images import ImageHeader, decode_rgb, file_sha256, read_header

ORIENTATION = 0x0112
STORED_BY = {  # EXIF orientation -> what a camera held that way does to the upright picture
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photo(height: int, width: int, seed: int = 0) -> Image.Image:
    """Smooth colours with some noise: compresses like a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    colours = np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)], axis=-1)
    return Image.fromarray(np.clip(colours + rng.normal(0, 4, colours.shape), 0, 255).astype(np.uint8))


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block.tobytes()


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, after: bytes = b"") -> bytes:
    """A PNG written by hand: what Pillow can't write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + after
        + chunk(b"IEND", b"")
    )


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


# -- modes -------------------------------------------------------------------------------------------------------------


def palette_image() -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 10, 20, 30, 40, 50])
    image.putdata([0, 1])
    return image


def of(mode: str, *pixels: object) -> Image.Image:
    image = Image.new(mode, (len(pixels), 1))
    image.putdata(list(pixels))
    return image


GOLDEN = {  # file -> its pixels, left to right
    "RGB": (encoded(of("RGB", (1, 2, 3), (250, 128, 0)), "PNG"), [(1, 2, 3), (250, 128, 0)]),
    "grey": (encoded(of("L", 0, 77, 255), "PNG"), [(0,) * 3, (77,) * 3, (255,) * 3]),
    "grey and alpha over white": (
        encoded(of("LA", (100, 255), (100, 0), (0, 128)), "PNG"),
        [(100,) * 3, (255,) * 3, (127,) * 3],
    ),
    "RGBA over white": (
        encoded(of("RGBA", (10, 20, 30, 255), (10, 20, 30, 0), (0, 0, 200, 51)), "PNG"),
        [(10, 20, 30), (255,) * 3, (204, 204, 244)],
    ),
    "palette": (encoded(palette_image(), "PNG"), [(200, 10, 20), (30, 40, 50)]),
    "palette with transparency": (encoded(palette_image(), "PNG", transparency=1), [(200, 10, 20), (255,) * 3]),
    "1 bit": (encoded(of("1", 0, 255, 0), "PNG"), [(0,) * 3, (255,) * 3, (0,) * 3]),
    "16-bit grey": (
        png(4, 1, 16, 0, b"\0" + struct.pack(">4H", 0, 257, 32768, 65535)),
        [(0,) * 3, (1,) * 3, (128,) * 3, (255,) * 3],
    ),
    "16-bit RGB": (
        png(2, 1, 16, 2, b"\0" + struct.pack(">6H", 0, 32768, 65535, 12850, 0, 257)),
        [(0, 128, 255), (50, 0, 1)],
    ),
    "transparent colour": (
        encoded(of("RGB", (9, 9, 9), (1, 2, 3)), "PNG", transparency=(9, 9, 9)),
        [(255,) * 3, (1, 2, 3)],
    ),
    "transparent grey": (encoded(of("L", 9, 50), "PNG", transparency=9), [(255,) * 3, (50,) * 3]),
    "CMYK red": (encoded(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "JPEG", quality=100), [(255, 0, 0)]),
    "CMYK half black": (encoded(Image.new("CMYK", (1, 1), (0, 0, 0, 128)), "JPEG", quality=100), [(127,) * 3]),
    "grey JPEG": (encoded(Image.new("L", (1, 1), 90), "JPEG", quality=100), [(90,) * 3]),
    "BMP": (encoded(of("RGB", (1, 2, 3), (250, 128, 0)), "BMP"), [(1, 2, 3), (250, 128, 0)]),
    "WebP with alpha": (
        encoded(of("RGBA", (10, 20, 30, 255), (1, 1, 1, 0)), "WEBP", lossless=True),
        [(10, 20, 30), (255,) * 3],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_pixels_of_every_mode(tmp_path: Path, name: str) -> None:
    content, expected = GOLDEN[name]
    file = tmp_path / "image.any"
    file.write_bytes(content)
    pixels = decode_rgb(file)
    assert pixels.shape == (1, len(expected), 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels[0].astype(int), expected, atol=1)


def test_pixels_can_be_written_to(tmp_path: Path) -> None:
    photo(8, 8).save(tmp_path / "a.png")
    pixels = decode_rgb(tmp_path / "a.png")
    pixels[0, 0] = 7
    assert pixels.flags.c_contiguous


# -- EXIF --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_BY)
def test_eight_orientations_give_the_same_upright_pixels(tmp_path: Path, orientation: int, format_: str) -> None:
    upright = photo(24, 16)
    turn = STORED_BY[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    file = tmp_path / "a"
    stored.save(file, format_, exif=exif(orientation), quality=100, subsampling=0, lossless=True)
    pixels = decode_rgb(file)
    np.testing.assert_allclose(pixels.astype(int), np.array(upright).astype(int), atol=6 if format_ == "JPEG" else 0)
    np.testing.assert_array_equal(pixels, np.array(ImageOps.exif_transpose(Image.open(file))))
    assert read_header(file) == ImageHeader(24, 16, format_, "RGB", orientation)


def test_orientation_behind_the_pixels_of_a_png_is_honoured(tmp_path: Path) -> None:
    rows = b"\0" + bytes([255, 0, 0, 0, 255, 0])  # red, green
    block = chunk(b"eXIf", exif(6).removeprefix(b"Exif\0\0"))
    (tmp_path / "a.png").write_bytes(png(2, 1, 8, 2, rows, after=block))
    assert decode_rgb(tmp_path / "a.png").tolist() == [[[255, 0, 0]], [[0, 255, 0]]]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_none(tmp_path: Path, orientation: int) -> None:
    photo(4, 6).save(tmp_path / "a.png", exif=exif(orientation))
    assert decode_rgb(tmp_path / "a.png").shape == (4, 6, 3)
    assert read_header(tmp_path / "a.png").orientation == 1


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's "Corrupt EXIF data"
@given(
    format_=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    start=st.sampled_from([b"", b"MM\0*\0\0\0\x08", b"II*\0\x08\0\0\0"]),
    block=st.binary(max_size=60),
)
@settings(max_examples=100, deadline=None)
def test_broken_exif_is_no_broken_image(
    tmp_path_factory: pytest.TempPathFactory, format_: str, start: bytes, block: bytes
) -> None:
    file = tmp_path_factory.mktemp("exif") / "a"
    photo(8, 8).save(file, format_, exif=b"Exif\0\0" + start + block)
    assert decode_rgb(file).shape == (8, 8, 3)


# -- reduced decode ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("min_size", "expected"),
    [
        ((512, 384), (512, 384)),
        ((257, 10), (512, 384)),
        ((256, 192), (256, 192)),
        ((129, 96), (256, 192)),
        ((128, 96), (128, 96)),
        ((64, 48), (64, 48)),
        ((1, 1), (64, 48)),
        ((1000, 1000), (512, 384)),
    ],
)
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_min_size_speaks_of_the_upright_image(
    tmp_path: Path, orientation: int, min_size: tuple[int, int], expected: tuple[int, int]
) -> None:
    upright = photo(512, 384)
    turn = STORED_BY[orientation]
    (upright if turn is None else upright.transpose(turn)).save(tmp_path / "a.jpg", exif=exif(orientation))
    assert decode_rgb(tmp_path / "a.jpg", min_size=min_size).shape == (*expected, 3)


def test_a_reduced_decode_looks_like_the_picture(tmp_path: Path) -> None:
    photo(512, 384).save(tmp_path / "a.jpg", quality=95)
    reduced = decode_rgb(tmp_path / "a.jpg", min_size=(128, 96)).astype(float)
    blocks = decode_rgb(tmp_path / "a.jpg").reshape(128, 4, 96, 4, 3).mean(axis=(1, 3))  # (128, 96, 3)
    assert np.abs(reduced - blocks).mean() < 2


@given(height=st.integers(1, 90), width=st.integers(1, 90), least=st.tuples(st.integers(1, 90), st.integers(1, 90)))
@settings(max_examples=60, deadline=None)
def test_a_reduced_decode_is_never_below_min_size(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, least: tuple[int, int]
) -> None:
    file = tmp_path_factory.mktemp("least") / "a.jpg"
    photo(height, width).save(file)
    shape = decode_rgb(file, min_size=least).shape
    assert shape[0] >= min(height, least[0])
    assert shape[1] >= min(width, least[1])


def test_min_size_leaves_a_png_alone(tmp_path: Path) -> None:
    photo(64, 64).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode_rgb(tmp_path / "a.png", min_size=(8, 8)), decode_rgb(tmp_path / "a.png"))


# -- what is refused ---------------------------------------------------------------------------------------------------


def refusal(file: Path, **options: int) -> str:
    with pytest.raises(DataError) as caught:
        decode_rgb(file, **options)
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_cut_off_is_refused(tmp_path: Path, format_: str, share: float) -> None:
    content = encoded(photo(64, 64), format_)
    (tmp_path / "a").write_bytes(content[: int(len(content) * share)])
    assert "damaged or cut off" in refusal(tmp_path / "a")


@pytest.mark.parametrize(
    "content",
    [
        png(9_000, 9_000, 8, 2, b""),  # 81 million pixels: Pillow says nothing
        png(10_000, 10_000, 8, 2, b""),  # Pillow warns
        png(60_000, 60_000, 8, 2, b""),  # Pillow refuses
        encoded(photo(16, 16), "BMP").replace(struct.pack("<ii", 16, 16), struct.pack("<ii", 20_000, 20_000)),
        encoded(photo(16, 16), "JPEG").replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 65_000, 65_000)),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bomb.png").write_bytes(content)
    assert "expected at most 50,000,000" in refusal(tmp_path / "bomb.png")
    with pytest.raises(DataError, match="expected at most 50,000,000"):
        read_header(tmp_path / "bomb.png")


@pytest.mark.filterwarnings("error")
def test_a_bomb_is_refused_where_warnings_are_errors(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(10_000, 10_000, 8, 2, b""))
    assert "expected at most 50,000,000" in refusal(tmp_path / "bomb.png")


def test_the_pixel_limit_is_a_parameter(tmp_path: Path) -> None:
    photo(10, 10).save(tmp_path / "a.png")
    assert "10x10 pixels; expected at most 99." in refusal(tmp_path / "a.png", max_pixels=99)
    assert decode_rgb(tmp_path / "a.png", max_pixels=100).shape == (10, 10, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<html>not an image", "begins with b'<html>not an ima'"),
        (encoded(photo(4, 4), "GIF"), "begins with b'GIF87a"),
        (encoded(photo(4, 4), "TIFF"), "begins with b'II"),
    ],
)
def test_what_is_no_image_of_the_four_formats_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    message = refusal(tmp_path / "a.jpg")
    assert said in message
    assert "expected an image, JPEG, PNG, WEBP, BMP" in message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.jpg")
    assert refusal(tmp_path) == f"{tmp_path} can't be read: Is a directory."


def test_content_decides_not_the_extension(tmp_path: Path) -> None:
    photo(4, 4).save(tmp_path / "a.jpg", "PNG")
    np.testing.assert_array_equal(decode_rgb(tmp_path / "a.jpg"), np.array(photo(4, 4)))
    assert read_header(tmp_path / "a.jpg").format == "PNG"


@pytest.mark.filterwarnings("ignore")
@given(format_=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP"]), data=st.data())
@settings(max_examples=150, deadline=None)
def test_damage_gives_pixels_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, format_: str, data: st.DataObject
) -> None:
    content = bytearray(encoded(photo(16, 16), format_, exif=exif(6)))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("damaged") / "a"
    file.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        pixels: NDArray[np.uint8] = decode_rgb(file)
    except DataError:
        return
    assert pixels.ndim == 3 and pixels.shape[2] == 3


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# -- what takes long within the limit of pixels --------------------------------------------------------------------


def bmp(width: int, height: int, compression: int, pixels: bytes) -> bytes:
    """An 8-bit BMP written by hand: Pillow writes no compressed one."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(pixels), 0, 0, 256, 0)
    start = 14 + len(header) + 4 * 256
    palette = bytes(value for grey in range(256) for value in (grey, grey, grey, 0))
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + palette + pixels


@pytest.mark.parametrize(("compression", "pixels"), [(1, b"\4\7\0\1"), (2, b"\4\x77\0\1")])
def test_a_run_length_coded_bmp_is_refused(tmp_path: Path, compression: int, pixels: bytes) -> None:
    """Pillow fills its rows a byte at a time: 50 million pixels in one row, a file of 1 KB, took 5 seconds."""
    (tmp_path / "a.bmp").write_bytes(bmp(4, 1, compression, pixels))
    assert "run-length coded BMP, which isn't read; save it as PNG" in refusal(tmp_path / "a.bmp")
    (tmp_path / "a.bmp").write_bytes(bmp(4, 1, 0, b"\7" * 4))
    assert decode_rgb(tmp_path / "a.bmp").tolist() == [[[7, 7, 7]] * 4]


def test_a_jpeg_of_hundreds_of_scans_is_refused(tmp_path: Path) -> None:
    """Each scan goes over all the pixels: 500 empty ones on 49 million, a file of 224 KB, took 17 seconds."""
    content = encoded(photo(16, 16), "JPEG", progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 100 * scan + content[-2:])
    assert re.search(r"has 1\d\d scans, .* expected at most 64", refusal(tmp_path / "a.jpg"))
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 20 * scan + content[-2:])
    assert decode_rgb(tmp_path / "a.jpg").shape == (16, 16, 3)


def test_a_bomb_is_one_sentence_without_pillows_warning_beside_it(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(10_000, 10_000, 8, 2, b""))
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        refusal(tmp_path / "bomb.png")
    assert not shown


def test_short_memory_is_no_damage_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "whole.png"
    Image.new("RGB", (8, 8)).save(path)

    def short(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", short)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", short)
    with pytest.raises(MemoryError, match=r"whole\.png could not be decoded"):
        decode_rgb(path)
