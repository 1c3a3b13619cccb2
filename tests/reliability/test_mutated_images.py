"""A file becomes the right pixels or one sentence that names it, soon, whichever way it is decoded."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mutated_images import bombs, image_file
from numpy.typing import NDArray

from data.cache import cached_images
from data.cache_build import GIB, CacheSettings, open_cache
from data.checks import inspect_image
from data.errors import DataError
from data.images import decode_rgb, read_header
from data.transforms import working_image

PROJECT = Path(__file__).parents[2]
SIZE = (12, 8)
HANG_SECONDS = 5.0  # of processor time: another process may have the machine
BOMB_SECONDS, BOMB_BYTES = 0.1, 50e6

Pixels = NDArray[np.uint8]


def decoded(path: Path, **options: tuple[int, int]) -> Pixels | None:
    """Pixels, or None where the file was refused by name."""
    try:
        return decode_rgb(path, **options)
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return None


def through_the_cache(path: Path, cache: Path) -> Pixels | None:
    settings = CacheSettings(cache, GIB, processes=1)
    try:
        made = open_cache(settings, path.parent, [path.name], SIZE, say=lambda text: None)
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return None
    assert made is not None and made.is_whole()
    read = cached_images([made], [path.name])
    assert read is not None
    pixels: Pixels = read[0]
    return pixels


@pytest.mark.filterwarnings("ignore")  # Pillow's, on broken EXIF
def test_mutated_files(
    tmp_path: Path, lane: Callable[[int, int], int], figures: Callable[[str, str], None]
) -> None:
    seen: Counter[str] = Counter()
    slowest = 0.0
    (tmp_path / "images").mkdir()
    for number in range(lane(150, 1_000)):
        file = image_file(number)
        path = tmp_path / "images" / file.name
        path.write_bytes(file.whole)
        before = decode_rgb(path)
        path.write_bytes(file.body)
        started = time.process_time()
        pixels, reduced, facts = decoded(path), decoded(path, min_size=SIZE), inspect_image(path)
        slowest = max(slowest, time.process_time() - started)
        assert (facts.error == "") == (pixels is not None)
        if pixels is None:
            assert not file.same_pixels, f"{file.name}: {facts.error}"
            assert str(path) in facts.error
            seen["refused"] += 1
        else:
            header = read_header(path)
            assert pixels.dtype == np.uint8 and pixels.shape == (facts.height, facts.width, 3)
            assert (header.height, header.width) == pixels.shape[:2]
            unchanged = pixels.shape == before.shape and (pixels == before).all()
            checked = file.same_pixels or file.change == "truncated" or header.format == "PNG"
            assert unchanged or not checked, f"{file.name} gives other pixels"
            seen["right" if unchanged else "other pixels, of a format without checksums"] += 1
        if number % lane(5, 1) == 0:
            cached = through_the_cache(path, tmp_path / "cache")
            assert (cached is None) == (reduced is None)
            if reduced is not None:
                np.testing.assert_array_equal(cached, working_image(reduced, SIZE))
        path.unlink()
    assert slowest < HANG_SECONDS
    found = ", ".join(f"{count:,} {what}" for what, count in sorted(seen.items()))
    figures("mutated images", f"{seen.total():,} files: {found}; the slowest took {slowest:.2f} s")


MEASURED = """
import json, resource, sys, time
from pathlib import Path
from data.errors import DataError
from data.images import decode_rgb, read_header
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
try:
    decode_rgb(Path("none.png"))
except DataError:
    pass
for name in sys.argv[1:]:
    for read in (read_header, decode_rgb):
        before, started = peak(), time.process_time()
        try:
            read(Path(name))
            said = ""
        except DataError as error:
            said = str(error)
        print(json.dumps([name, read.__name__, said, time.process_time() - started, peak() - before]))
"""


def test_bombs_are_refused_from_their_headers(tmp_path: Path, figures: Callable[[str, str], None]) -> None:
    files = bombs()
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    command = [sys.executable, "-c", MEASURED, *files]
    answer = subprocess.run(  # noqa: S603 - our own words
        command, cwd=tmp_path, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 0 and not answer.stderr, answer.stderr
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(rows) == 2 * len(files)
    within_the_limit = ("runs.bmp", "scans.jpg")  # nothing in their headers is wrong: decoding refuses them
    for name, how, said, seconds, more in rows:
        assert (name in said) or (how == "read_header" and name in within_the_limit), name
        assert seconds < BOMB_SECONDS and more < BOMB_BYTES, f"{how} {name}: {seconds:.2f} s, {more / 1e6:.0f} MB"
    slowest, largest = max(row[3] for row in rows), max(row[4] for row in rows)
    figures("image bombs", f"{len(files)} refused, at most {slowest * 1e3:.0f} ms and {largest / 1e6:.0f} MB")


def test_a_bomb_leaves_no_cache_half_made(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "1e9.png"
    path.write_bytes(bombs()["1e9.png"])
    assert through_the_cache(path, tmp_path / "cache") is None
    assert not list((tmp_path / "cache").iterdir()), "nothing half done is left"
