"""What is sent to a node arrives whole, once, and leaves nothing behind; what comes back is a commit."""

import os
import tempfile
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from data.cache import IMAGES, INDEX
from data.errors import DataError
from runners.cluster.sent_fold import Parcel, Piece, folder_state, pack, receive, unpacked
from runners.fold_state import FoldState


class Sent:
    """The pieces of a parcel, and how often one was fetched."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.fetched = 0

    def put(self, piece: Piece) -> int:
        self.pieces.append(piece)
        return len(self.pieces) - 1

    def fetch(self, number: int) -> Piece:
        self.fetched += 1
        return self.pieces[number]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's folder on the node."""
    (tmp_path / "node").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "node"))
    return tmp_path / f"node/kfold-{os.getuid()}"


def changed(body: bytes) -> bytes:
    """The same but for its last bit."""
    return body[:-1] + bytes([body[-1] ^ 1])


def test_a_cache_that_was_used_again_is_not_sent_again(make_fold) -> None:
    fold = make_fold("all")
    first = pack(fold, Sent().put, {})
    os.utime(fold.caches[0].folder / INDEX, (1, 1))
    assert first.caches and pack(fold, Sent().put, {}).key == first.key


def test_images_are_sent_again_once_one_has_changed(make_fold) -> None:
    fold = make_fold()
    first = pack(fold, Sent().put, {})
    os.utime(fold.data.root / fold.data.train["path"].iloc[5], (1, 1))
    assert not first.caches and pack(fold, Sent().put, {}).key != first.key


def test_folds_of_the_same_images_share_a_parcel(make_fold) -> None:
    fold, sent, packed = make_fold("all"), Sent(), dict[str, Parcel]()
    first, second = (pack(replace(fold, number=number), sent.put, packed) for number in (0, 1))
    assert first is second and len(sent.pieces) == len(first.pieces) == 1


def test_a_cache_that_is_damaged_on_the_node_is_fetched_again(make_fold, own: Path) -> None:
    fold, sent = make_fold("all"), Sent()
    parcel = pack(fold, sent.put, {})
    for fetched, then in ((1, bytes), (1, changed), (2, bytes)):  # fetched once, used again, fetched anew
        with unpacked(fold, parcel, sent.fetch) as here:
            assert here.caches[0].is_whole() and sent.fetched == fetched
        images = own / parcel.key / here.caches[0].folder.name / IMAGES
        images.write_bytes(then(images.read_bytes()))


def test_what_arrives_damaged_is_given_up(make_fold, own: Path) -> None:
    fold, sent = make_fold("all"), Sent()
    parcel = pack(fold, sent.put, {})
    sent.pieces = [[(name, at, changed(body) if IMAGES in name else body) for name, at, body in sent.pieces[0]]]
    with pytest.raises(DataError, match="was damaged 2 times: its disk should be looked at"):
        with unpacked(fold, parcel, sent.fetch):
            pytest.fail("damaged images are used")
    assert not (own / parcel.key).exists() and not list(own.glob("fold-*"))


@pytest.mark.parametrize("killed", ["while images arrive", "while it is made"])
def test_what_a_killed_fold_leaves_is_removed_by_the_next(make_fold, own: Path, killed: str) -> None:
    fold, sent = make_fold("all"), Sent()
    parcel = pack(fold, sent.put, {})
    context = get_context("fork")
    ready = context.Event()

    def make() -> None:
        def fetch(number: int) -> Piece:
            if killed == "while images arrive" and number == 1:
                wait_for_kill()
            return sent.fetch(number)

        with unpacked(fold, replace(parcel, pieces=[0, 1]), fetch):
            wait_for_kill()

    def wait_for_kill() -> None:
        ready.set()
        time.sleep(600)

    sent.pieces.append([("more", 0, b"")])
    process = context.Process(target=make, daemon=True)
    process.start()
    assert ready.wait(60)
    (left,) = own.glob("fold-*")
    if killed == "while it is made":
        with unpacked(replace(fold, number=1), parcel, sent.fetch):
            assert left.exists() and len(list(own.glob("fold-*"))) == 2, "its process lives"
    process.kill()
    process.join()
    with unpacked(fold, parcel, sent.fetch) as here:
        assert list(own.glob("fold-*")) == [here.folder.root.parents[1]] and not left.exists()
    assert sorted(path.name for path in own.iterdir() if not path.name.startswith(".")) == [parcel.key]


def test_where_a_stop_left_a_fold_is_sent_and_gone_with_the_next_commit(make_fold, own: Path) -> None:
    fold, sent = make_fold("all"), Sent()
    state = FoldState(fold.folder, pytest.fail)
    state.save({"steps": [1]})
    state.save_stopped({"steps": [2], "batch": {"batch_step": 5}})
    parcel = replace(pack(fold, sent.put, {}), state=folder_state(fold.folder))
    with unpacked(fold, parcel, sent.fetch) as here:
        there = FoldState(here.folder, pytest.fail)
        assert there.load() == state.load() and there.load()["steps"] == [2]
        receive(fold.folder, {"timing.csv": b""})
        assert fold.folder.stopped.exists()
        there.save({"steps": [2]})
        receive(fold.folder, {"state.pth": here.folder.state.read_bytes()})
    assert not fold.folder.stopped.exists() and state.load()["steps"] == [2]
