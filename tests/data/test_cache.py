import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.cache import IMAGES, INDEX, ImageCache, cache_bytes, cache_place, cached_images
from data.cache_build import CacheSettings, open_cache
from data.datasets import ImageDataset
from data.errors import DataError
from data.images import decode_rgb
from data.reading import read_data
from data.transforms import flip_shift_colour, mirror, resize, working_image

SIZE = (32, 24)


@pytest.fixture
def data(competition: Path):
    return read_data(competition)


@pytest.fixture
def opened(data, tmp_path: Path):
    """Opens the cache of the small competition; returns it and what was said."""

    def start(
        processes: int = 1, limit: int = 2**30, paths=None, root: Path = data.root, tick=lambda images: None
    ) -> tuple[ImageCache | None, list[str]]:
        said: list[str] = []
        settings = CacheSettings(tmp_path / "cache", limit, processes)
        paths = list(data.train["path"]) if paths is None else paths
        return open_cache(settings, root, paths, SIZE, said.append, tick), said

    return start


@pytest.mark.parametrize("processes", [1, 2])
def test_a_cache_holds_what_decoding_gives(data, opened, processes: int) -> None:
    ticks: list[int] = []
    cache, said = opened(processes, tick=ticks.append)
    paths = list(data.train["path"])
    assert sum(ticks) == 84
    assert f"84 images of 32x24 are decoded once into {cache.folder}" in said[0]
    images = cached_images([cache], paths[::-1])
    expected = [working_image(decode_rgb(data.root / path, min_size=SIZE), SIZE) for path in paths[::-1]]
    np.testing.assert_array_equal(np.stack([images[position] for position in range(84)]), expected)
    np.testing.assert_array_equal(images.take([5, 0, 83, 5]), np.stack(expected)[[5, 0, 83, 5]])
    again, said = opened()
    assert again == cache and not said, "decoded once"


def test_a_process_that_decodes_is_sent_its_own_paths_only(data, opened, monkeypatch) -> None:
    """All paths with each task would cost the square of the images."""
    from data import cache_build

    sent: list[bytes] = []

    class Pool(cache_build.ProcessPoolExecutor):
        def submit(self, *task):
            sent.append(pickle.dumps(task))
            return super().submit(*task)

    monkeypatch.setattr(cache_build, "ProcessPoolExecutor", Pool)
    assert opened(2)[0].is_whole() and len(sent) == 2
    assert all(sum(path.encode() in task for task in sent) == 1 for path in data.train["path"])


@pytest.mark.parametrize("kind", ["resize", "augmented", "mirrored"])
def test_batches_are_the_same_with_and_without_a_cache(data, opened, kind: str) -> None:
    augment = flip_shift_colour(size=SIZE, flip=0.5, shift=0.1, scale=0.2, rotate=9, brightness=0.2, contrast=0.2)
    still, mirrored = resize(size=SIZE), mirror(size=SIZE, flip=0.5)
    transform = {"resize": still, "augmented": augment, "mirrored": mirrored}[kind]
    table = data.train.iloc[10:20]
    keys = [(3, position) for position in (4, 0, 9)]
    cache, _ = opened()
    decoded = ImageDataset(data.root, table, transform, seed=1).__getitems__(keys)
    cached = pickle.loads(pickle.dumps(ImageDataset(data.root, table, transform, seed=1, caches=[cache])))  # noqa: S301
    for name, values in cached.__getitems__(keys).items():
        assert (values == decoded[name]).all()
    again = working_image(decode_rgb(data.root / table["path"].iloc[4], min_size=SIZE), SIZE)
    np.testing.assert_array_equal(cached.images.take([4])[0], again, "what is done to a batch is not done to the cache")


def test_a_table_is_served_by_two_caches_together_or_decoded(data, opened) -> None:
    """Images from elsewhere are in a cache of their own, under absolute paths."""
    own, elsewhere = list(data.train["path"][:20]), [str(data.root / path) for path in data.train["path"][20:40]]
    caches = [opened(paths=paths)[0] for paths in (own, elsewhere)]
    table = data.train.iloc[:40].assign(path=[*own, *elsewhere]).sample(frac=1, random_state=0)
    keys = [(1, position) for position in (7, 31, 0, 7, 39)]
    transform = resize(size=SIZE)
    decoded = ImageDataset(data.root, table, transform, seed=1)
    both = ImageDataset(data.root, table, transform, seed=1, caches=caches)
    assert hasattr(both.images, "take") and not hasattr(decoded.images, "take")
    both = pickle.loads(pickle.dumps(both))  # noqa: S301
    assert (both.__getitems__(keys)["features"] == decoded.__getitems__(keys)["features"]).all()
    np.testing.assert_array_equal(both.images[31], both.images.take([31])[0])
    assert not hasattr(ImageDataset(data.root, table, transform, seed=1, caches=caches[:1]).images, "take")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists a process's maps")
def test_a_process_maps_a_cache_once_and_sends_its_path_only(data, opened) -> None:
    """Each map more would count the cache's pages as resident once more."""
    cache, _ = opened()
    tables = [data.train.iloc[:20], data.train.iloc[10:]]
    sets = [ImageDataset(data.root, table, resize(size=SIZE), seed=1, caches=[cache]) for table in tables]
    for each in sets:
        each.__getitems__([(0, 0)])
    assert Path("/proc/self/maps").read_text().count(str(cache.folder / IMAGES)) == 1
    sent = pickle.dumps(sets[0].images)
    assert len(sent) < cache_bytes(1, SIZE), "less than an image"
    np.testing.assert_array_equal(pickle.loads(sent)[3], sets[0].images[3])  # noqa: S301


def test_what_is_done_to_a_batch_does_not_reach_the_cache(data, opened) -> None:
    cache, _ = opened()
    images = cached_images([cache], list(data.train["path"]))
    images[0][:] = 0
    images.take([0])[:] = 0
    assert images[0].any() and cache.is_whole()


def test_a_cache_that_is_gone_is_decoded_around(data, opened) -> None:
    cache, _ = opened()
    transform, keys = resize(size=SIZE), [(1, 7), (1, 0)]
    sent = pickle.dumps(ImageDataset(data.root, data.train, transform, seed=1, caches=[cache]))
    expected = ImageDataset(data.root, data.train, transform, seed=1).__getitems__(keys)
    begun, fold = pickle.loads(sent), ImageCache(cache.folder, SIZE)  # noqa: S301
    begun.__getitems__(keys)
    shutil.rmtree(cache.folder)
    for dataset in (
        begun,
        pickle.loads(sent),  # noqa: S301 - a worker that begins now
        ImageDataset(data.root, data.train, transform, seed=1, caches=[fold]),
    ):
        assert (dataset.__getitems__(keys)["features"] == expected["features"]).all()


def test_a_transform_of_another_size_decodes(data, opened) -> None:
    cache, _ = opened()
    dataset = ImageDataset(data.root, data.train, resize(size=(16, 12)), seed=1, caches=[cache])
    assert dataset.__getitems__([(0, 0)])["features"].shape == (1, 16, 12, 3)


def test_any_file_that_changed_makes_another_cache(data, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes((data.root / data.train["path"][0]).read_bytes())

    def key(size=SIZE, paths=("a.jpg",)) -> Path:
        return cache_place(tmp_path, tmp_path, paths, size).folder

    first = key()
    assert first == key() != key(size=(24, 32))
    os.utime(tmp_path / "a.jpg", ns=(1, 1))
    touched = key()
    assert touched != first
    (tmp_path / "b.jpg").write_bytes(b"b")
    assert key(paths=("a.jpg", "b.jpg")) == key(paths=("b.jpg", "a.jpg")) != touched


@pytest.mark.parametrize(
    "damage",
    ["first", "last", "swap", "cut", "empty", "archive", "objects", "columns", "index", "nested index", "no index"],
)
def test_a_damaged_cache_is_found_and_made_again(data, opened, damage: str) -> None:
    cache, _ = opened()
    images, index = cache.folder / IMAGES, cache.folder / INDEX
    body = bytearray(images.read_bytes())
    if damage in ("first", "last"):
        body[-5 if damage == "last" else -np.load(images).nbytes] ^= 1
        images.write_bytes(body)
    elif damage == "swap":
        np.save(images, np.load(images)[[1, 0, *range(2, len(data.train))]])
    elif damage == "cut":
        images.write_bytes(body[:-1])
    elif damage == "empty":
        images.write_bytes(b"")
    elif damage == "archive":  # which numpy.load would open as one
        np.savez(images.with_suffix(".npz"), np.zeros(3))
        images.with_suffix(".npz").rename(images)
    elif damage == "objects":
        np.save(images, np.array([{}], dtype=object), allow_pickle=True)
    elif damage == "columns":  # the right numbers in another order of bytes
        np.save(images, np.asfortranarray(np.load(images)))
    elif damage == "nested index":
        index.write_text("[" * 100_000)
    elif damage == "index":
        index.write_text(index.read_text()[:-3])
    else:
        index.unlink()
    assert not cache.is_whole() and not cache.is_whole(threads=3)
    again, said = opened()
    assert "is damaged: it is made again" in said[0] and again.is_whole() and again.is_whole(threads=3)
    assert not list(cache.folder.parent.glob(".*")), "nothing half done is left"


def test_a_cache_that_does_not_fit_is_said_with_numbers_and_images_are_decoded(opened, monkeypatch) -> None:
    assert opened(limit=cache_bytes(84, SIZE))[0] is not None
    from data import cache_build

    monkeypatch.setattr(cache_build, "system_memory", lambda: 1000)
    other = opened(paths=[])  # another cache: nothing is needed for no image
    assert other[0] is not None
    monkeypatch.setattr(cache_build, "cache_bytes", lambda *_: 3 * 2**30)
    cache, said = opened(limit=2**40, paths=[])
    assert cache is not None and not said, "it is there already"
    cache, said = opened(limit=2**31)
    assert cache is not None, "found, not made"


@pytest.mark.parametrize(
    ("limit", "memory", "reason"),
    [
        (2**31, 2**40, "3.00 GiB are needed, --cache-limit allows 2.00 GiB"),
        (2**40, 2**30, "3.00 GiB are needed, the memory has 1.00 GiB"),
        (2**40, None, "3.00 GiB are needed, the disk has 0.50 GiB"),
    ],
)
def test_the_reason_for_no_cache_has_numbers(opened, monkeypatch, limit: int, memory: int | None, reason: str) -> None:
    from collections import namedtuple

    from data import cache_build

    usage = namedtuple("usage", "free")(2**40 if memory else 3 * 2**29)
    monkeypatch.setattr(cache_build, "cache_bytes", lambda *_: 3 * 2**30)
    monkeypatch.setattr(cache_build.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(cache_build, "system_memory", lambda: memory)
    cache, said = opened(limit=limit)
    assert cache is None and said == [f"cache   none, images are decoded in every epoch: {reason}"]


@pytest.mark.parametrize("processes", [1, 2])
def test_an_image_that_does_not_decode_is_named_and_leaves_no_cache(data, opened, tmp_path, processes: int) -> None:
    whole = (data.root / data.train["path"][0]).read_bytes()
    for number in range(130):
        (tmp_path / f"{number}.jpg").write_bytes(whole if number != 100 else whole[:300])
    with pytest.raises(DataError, match=r"100.jpg: the image is damaged"):
        opened(processes, paths=[f"{number}.jpg" for number in range(130)], root=tmp_path)
    assert not list((tmp_path / "cache").iterdir())


def test_a_part_is_kept_where_there_is_no_room_for_all(data, tmp_path: Path) -> None:
    every, test, said = [*data.train["path"], *data.test["path"]], list(data.test["path"]), []
    settings = CacheSettings(tmp_path, cache_bytes(len(every), SIZE) - 1, 1)
    for words in (2, 1):  # the second time it is there
        said.clear()
        cache = open_cache(settings, data.root, every, SIZE, said.append, part=test)
        assert cache is not None and set(cache.row_of) == set(test) and len(said) == words
        assert "of 21 images only, the others are decoded in every epoch: 0.00 GiB are needed" in said[0]
    assert cached_images([cache], list(data.train["path"])) is None
    assert open_cache(CacheSettings(tmp_path / "none", 0, 1), data.root, every, SIZE, said.append, part=test) is None
    assert "cache   none" in said[-1]
