import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import data.loaders
from data.datasets import ImageDataset, image_key
from data.errors import DataError
from data.in_hand import InHand
from data.loaders import is_worker_death, make_loader, raise_failure, rest_of, worker_deaths_named
from data.reading import read_data
from data.samplers import DrawnSampler, SequentialSampler, ShuffledSampler
from data.transforms import flip_shift_colour, resize

SIZE = (32, 24)
augment = partial(flip_shift_colour, size=SIZE, flip=0.5, shift=0.1, scale=0.2, rotate=10, brightness=0.2, contrast=0.2)


def batches(root: Path, table: pd.DataFrame, epoch: int, workers: int) -> list[dict[str, torch.Tensor]]:
    sampler = ShuffledSampler(len(table), seed=5, fold=0)
    sampler.set_epoch(epoch)
    dataset = ImageDataset(root, table, augment(), seed=5)
    return list(make_loader(dataset, sampler, batch_size=5, workers=workers))


def test_batches_are_the_same_for_any_number_of_workers_and_differ_by_epoch(competition: Path) -> None:
    """albumentations alone repeats its numbers in every worker and every epoch."""
    data = read_data(competition)
    table = data.train.head(22)
    first = batches(data.root, table, epoch=1, workers=0)
    for workers in (1, 2, 4):
        for ours, theirs in zip(first, batches(data.root, table, epoch=1, workers=workers), strict=True):
            assert all(torch.equal(ours[name], theirs[name]) for name in ("features", "targets", "index"))

    def by_image(epoch: int) -> torch.Tensor:
        whole = batches(data.root, table, epoch, workers=0)
        order = torch.cat([batch["index"] for batch in whole]).argsort()
        return torch.cat([batch["features"] for batch in whole])[order]

    changed = (by_image(1) != by_image(2)).flatten(1).any(1)
    assert changed.all(), "every image is augmented anew in each epoch"


def test_augmentation_of_an_image_does_not_depend_on_where_its_row_is(competition: Path) -> None:
    data = read_data(competition)
    reverse = data.train.head(10).iloc[::-1]
    keys = [(1, position) for position in range(10)]
    forward = ImageDataset(data.root, data.train.head(10), augment(), seed=5).__getitems__(keys)
    backward = ImageDataset(data.root, reverse, augment(), seed=5).__getitems__(keys)
    assert torch.equal(forward["features"], backward["features"].flip(0))


def test_a_batch_is_uint8_in_the_tables_order_with_its_short_end(competition: Path) -> None:
    data = read_data(competition)
    table = data.train.head(12)
    dataset = ImageDataset(data.root, table, resize(size=SIZE), seed=1)
    whole = list(make_loader(dataset, SequentialSampler(12), batch_size=5, workers=0))
    assert [len(batch["features"]) for batch in whole] == [5, 5, 2]
    assert whole[0]["features"].dtype == torch.uint8 and whole[0]["features"].shape == (5, 32, 24, 3)
    np.testing.assert_array_equal(torch.cat([b["targets"] for b in whole]), table["target"])
    np.testing.assert_array_equal(torch.cat([b["index"] for b in whole]), np.arange(12))


def test_a_table_without_targets_gives_batches_without(competition: Path) -> None:
    data = read_data(competition)
    batch = ImageDataset(data.root, data.test, resize(size=SIZE), seed=1).__getitems__([(0, 0)])
    assert set(batch) == {"features", "index"}


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_is_named_never_replaced(tmp_path: Path, workers: int) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    table = pd.DataFrame({"image_id": ["a"], "path": ["broken.jpg"], "target": [0]})
    dataset = ImageDataset(tmp_path, table, resize(size=SIZE), seed=1)
    with pytest.raises(DataError, match=r"^/.*broken.jpg: begins with b'no image'; expected an image, [^\\n]*$"):
        for batch in make_loader(dataset, SequentialSampler(1), batch_size=1, workers=workers):
            raise_failure(batch)


def test_image_keys_differ_and_fit_64_bits() -> None:
    keys = {image_key(f"{number:06d}/mask1.jpg") for number in range(2000)}
    assert len(keys) == 2000 and max(keys) < 2**64


def test_a_killed_worker_is_a_sentence_with_the_images_it_had_in_hand(competition: Path, monkeypatch) -> None:
    data = read_data(competition)
    table = data.train.head(10)
    dataset = ImageDataset(data.root, table, resize(size=SIZE), seed=1, in_hand=InHand(2, 5))
    image = ImageDataset._image

    def die_at_the_seventh(self: ImageDataset, epoch: int, position: int) -> object:
        if position == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        return image(self, epoch, position)

    monkeypatch.setattr(ImageDataset, "_image", die_at_the_seventh)
    loader = make_loader(dataset, SequentialSampler(10), batch_size=5, workers=2)
    names = ", ".join(repr(name) for name in table["image_id"][5:10])
    with pytest.raises(DataError, match=rf"\(pid \d+\) .*; it had in hand {re.escape(names)}\. Fewer --workers"):
        with worker_deaths_named([loader]):
            list(loader)


def test_a_worker_that_dies_while_it_hands_a_batch_over_is_named_too(competition: Path) -> None:
    """Its connection breaks off before the system says that it is dead."""
    images = read_data(competition)
    dataset = ImageDataset(images.root, images.train.head(10), resize(size=SIZE), seed=1, in_hand=InHand(1, 5))
    loader = make_loader(dataset, SequentialSampler(10), batch_size=5, workers=1)
    before = set(active_children())
    batches = iter(loader)
    next(batches)
    (worker,) = set(active_children()) - before
    with pytest.raises(DataError, match=rf"\(pid {worker.pid}\) .*; it had in hand '"), worker_deaths_named([loader]):
        threading.Timer(0.1, worker.kill).start()
        raise ConnectionResetError


def test_other_errors_are_no_death_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.loaders._DEATH_SECONDS", 0)
    with pytest.raises(ConnectionResetError), worker_deaths_named([]):
        raise ConnectionResetError
    with pytest.raises(RuntimeError, match="^the model$"), worker_deaths_named([]):
        raise RuntimeError("the model")
    assert is_worker_death(RuntimeError("DataLoader worker (pid(s) 12, 13) exited unexpectedly"))
    assert not is_worker_death(RuntimeError("the model"))
    assert not is_worker_death(ValueError("DataLoader worker (pid 1) "))


def test_full_shared_memory_is_told_by_the_worker(competition: Path, monkeypatch) -> None:
    """Raised in the thread that sends a batch, nobody would hear of it, and the run would wait for ever."""
    data = read_data(competition)
    dataset = ImageDataset(data.root, data.train.head(10), resize(size=SIZE), seed=1)

    def fail(self: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("unable to write to file </torch_1>: No space left on device (28)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", fail)
    with pytest.raises(DataError, match="A batch of 5 images finds no room .* larger /dev/shm, fewer --workers"):
        for batch in make_loader(dataset, SequentialSampler(10), batch_size=5, workers=1):
            raise_failure(batch)


class Complaining(ImageDataset):
    """Raises as multiprocessing's server thread does: through sys.excepthook."""

    def __getitems__(self, keys):
        sys.excepthook(ConnectionResetError, ConnectionResetError(104, "Connection reset by peer"), None)
        sys.excepthook(ValueError, ValueError("a bug"), None)
        return super().__getitems__(keys)


def test_a_worker_says_nothing_of_a_batch_that_nobody_fetched(competition: Path, capfd) -> None:
    """multiprocessing's server thread hands its errors to sys.excepthook: a stopped run would end in a traceback."""
    data = read_data(competition)
    dataset = Complaining(data.root, data.train.head(5), resize(size=SIZE), seed=1)
    list(make_loader(dataset, SequentialSampler(5), batch_size=5, workers=1))
    assert capfd.readouterr().err.strip() == "ValueError: a bug"


class Asked:
    """A data set whose batches are the keys that it was asked for."""

    def __init__(self, images: int) -> None:
        self.images, self.in_hand = images, None
        self.asked: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return self.images

    def __getitems__(self, keys: list[tuple[int, int]]) -> list[tuple[int, int]]:
        self.asked += keys
        return keys


def twice(generator: np.random.Generator) -> np.ndarray:
    return generator.integers(0, 5, 23)


@given(batch_size=st.integers(1, 9), epoch=st.integers(0, 9), passed=st.integers(0, 30), kind=st.integers(0, 2))
def test_the_rest_of_an_epoch_is_the_epoch_but_for_its_first_batches(batch_size, epoch, passed, kind) -> None:
    samplers = (
        ShuffledSampler(23, seed=5, fold=1),
        DrawnSampler(twice, 23, seed=5, fold=1),
        SequentialSampler(23),
    )
    dataset, sampler = Asked(23), samplers[kind]
    sampler.set_epoch(epoch)
    loader = make_loader(dataset, sampler, batch_size=batch_size, workers=0)
    whole, length = list(loader), len(loader)
    dataset.asked.clear()
    state = torch.get_rng_state()
    rest = list(rest_of(loader, passed))
    assert rest == whole[passed:] and dataset.asked == [key for keys in rest for key in keys]
    assert torch.equal(torch.get_rng_state(), state), "dropout goes on where it was"
    assert len(loader) == length and list(loader) == whole, "the loader itself is as it was"


@pytest.mark.parametrize("passed", [0, 1, 3, 5])
def test_the_rest_of_an_epoch_from_worker_processes(competition: Path, passed: int) -> None:
    data = read_data(competition)
    sampler = ShuffledSampler(22, seed=5, fold=0)
    sampler.set_epoch(3)
    dataset = ImageDataset(data.root, data.train.head(22), augment(), seed=5)
    whole = list(make_loader(dataset, sampler, batch_size=5, workers=0))
    rest = list(rest_of(make_loader(dataset, sampler, batch_size=5, workers=2), passed))
    assert len(rest) == len(whole) - passed
    for ours, theirs in zip(rest, whole[passed:], strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


class SignalledFirst(ImageDataset):
    """Signals itself, as a terminal or a service manager does, before each batch."""

    def __getitems__(self, keys):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        return super().__getitems__(keys)


def test_worker_processes_go_on_after_a_signal_that_is_not_their_parents(competition: Path) -> None:
    data = read_data(competition)
    dataset = SignalledFirst(data.root, data.train.head(12), resize(size=SIZE), seed=1)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores Ctrl-C
    try:
        batches = iter(make_loader(dataset, SequentialSampler(12), batch_size=4, workers=2))
        assert [len(batch["features"]) for batch in batches] == [4, 4, 4]
    finally:
        signal.signal(signal.SIGINT, before)


def test_worker_processes_end_with_a_signal_of_their_parent(competition: Path) -> None:
    data = read_data(competition)
    dataset = ImageDataset(data.root, data.train.head(12), resize(size=SIZE), seed=1)
    batches = iter(make_loader(dataset, SequentialSampler(12), batch_size=4, workers=1))
    next(batches)
    worker = batches._workers[0]
    worker.terminate()
    worker.join(60)
    assert worker.exitcode == 0


def killed_before_its_worker_looks(dataset: ImageDataset, told: Path) -> None:
    """Begin a loader whose worker kills this process, its parent, before anything else."""
    begin = data.loaders._begin_worker

    def orphaned(number: int) -> None:
        parent = os.getppid()
        os.kill(parent, signal.SIGKILL)
        while os.getppid() == parent:
            time.sleep(0.001)
        told.write_text(str(os.getpid()))
        begin(number)

    data.loaders._begin_worker = orphaned
    next(iter(make_loader(dataset, SequentialSampler(12), batch_size=4, workers=1)))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks Linux whether a process lives")
def test_worker_processes_end_whose_parent_was_killed_before_they_could_look(
    competition: Path, tmp_path: Path
) -> None:
    images, told = read_data(competition), tmp_path / "worker"
    dataset = ImageDataset(images.root, images.train.head(12), resize(size=SIZE), seed=1)
    parent = multiprocessing.get_context("fork").Process(target=killed_before_its_worker_looks, args=(dataset, told))
    parent.start()
    parent.join(60)
    deadline = time.monotonic() + 10
    while not (told.exists() and told.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    worker = int(told.read_text())
    try:
        while _lives(worker) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not _lives(worker)
    finally:
        if _lives(worker):
            os.kill(worker, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
