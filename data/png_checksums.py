"""A PNG held to its own checksums: Pillow leaves out those of the pixels, and shows other ones where a bit is wrong."""

import zlib
from typing import IO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PART = 1 << 20  # bytes read at a time


def check_png(stream: IO[bytes]) -> None:
    """ValueError unless every chunk up to IEND is whole and what its CRC-32 says (PNG, third edition, 5.3).

    Reads from the file's beginning; bytes behind IEND are no part of a PNG.
    """
    stream.seek(len(_SIGNATURE))
    name = b""
    while name != b"IEND":
        head = stream.read(8)
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        checksum = zlib.crc32(name)
        while length and (part := stream.read(min(length, _PART))):
            checksum = zlib.crc32(part, checksum)
            length -= len(part)
        written = stream.read(4)
        if length or len(written) < 4:
            raise ValueError(f"it ends within the chunk {name!r}" if name else "it ends without IEND")
        if checksum != int.from_bytes(written, "big"):
            raise ValueError(f"the checksum of the chunk {name!r} is wrong")
