"""Every bit of a PNG counts, and the reason for its refusal is said."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data.png_checksums import check_png


def png(**options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


WHOLE = png()
CHUNKS = WHOLE[8:]


@pytest.mark.parametrize("body", [WHOLE, WHOLE + b"behind the end", png(dpi=(72, 72))])
def test_a_whole_file_is_accepted(body: bytes) -> None:
    check_png(io.BytesIO(body))


def test_a_file_read_in_parts_has_the_checksum_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.png_checksums._PART", 3)
    check_png(io.BytesIO(WHOLE))


@given(st.integers(8, len(WHOLE) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_found(position: int, bit: int) -> None:
    body = bytearray(WHOLE)
    body[position] ^= 1 << bit
    with pytest.raises(ValueError, match="it ends w|the checksum of the chunk"):
        check_png(io.BytesIO(body))


@given(st.integers(0, len(WHOLE) - 1))
def test_every_cut_is_found(length: int) -> None:
    with pytest.raises(ValueError, match="it ends with"):
        check_png(io.BytesIO(WHOLE[:length]))


def test_a_chunk_that_says_it_is_of_two_gigabytes_is_not_waited_for() -> None:
    name = random.Random(0).randbytes(4)  # noqa: S311 - no secret
    body = WHOLE[:8] + struct.pack(">I", 2**31 - 1) + name + b"little"
    with pytest.raises(ValueError, match="it ends within the chunk"):
        check_png(io.BytesIO(body))
    right = struct.pack(">I", 6) + name + b"little" + struct.pack(">I", zlib.crc32(name + b"little"))
    check_png(io.BytesIO(WHOLE[:8] + right + CHUNKS))
