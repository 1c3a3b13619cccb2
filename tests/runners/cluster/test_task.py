"""The task that makes a fold, and who hears of it, without a cluster between them."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from platform import node
from types import SimpleNamespace

import pytest

from runners.cluster import executor
from runners.cluster.ray_cluster import import_ray
from runners.cluster.same_code import code_of
from runners.cluster.sent_fold import folder_state, pack
from runners.cluster.storage import Mark
from runners.executor import raise_failure
from runners.fold_state import FoldState


@pytest.fixture
def messages(make_fold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What a node says that sees none of the folders and is sent a fold on which `run` does nothing."""
    (tmp_path / "node").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "node"))
    monkeypatch.setattr(executor, "import_ray", lambda: SimpleNamespace(get=lambda piece: piece))
    fold, mark = make_fold("all"), Mark(tmp_path / "nowhere", "text", "")
    FoldState(fold.folder, pytest.fail).save({"steps": [1]})
    parcel = replace(pack(fold, lambda piece: piece, {}), state=folder_state(fold.folder))
    return lambda: list(
        executor._make_fold(fold, lambda here, progress: None, str(Path.cwd()), code_of(fold), mark, parcel)
    )


def test_what_a_node_was_sent_is_not_sent_back(messages) -> None:
    """A state that came back unchanged would take the place of the one before, and end what a stop left."""
    assert [kind for kind, *_ in messages()] == ["advance", "done"]


@pytest.mark.parametrize(
    ("put", "sentence"),
    [
        (Path.touch, ": File exists."),
        (lambda own: own.mkdir() or own.chmod(0o755), " is not a folder of this user alone: it should be deleted."),
    ],
)
def test_what_fails_around_a_fold_on_its_node_is_one_sentence(messages, tmp_path: Path, put, sentence: str) -> None:
    own = tmp_path / f"node/kfold-{os.getuid()}"
    put(own)
    assert messages() == [("failed", f"Node {node()}: {own}{sentence}")]


@pytest.mark.parametrize("others", ["end", "go on"])
def test_a_fold_whose_files_can_not_be_written_here_is_ended_there(make_fold, monkeypatch, others: str) -> None:
    stream, cancelled, told = iter([("files", {"state.pth": b""}), ("done",)]), [], []
    cluster = SimpleNamespace(
        exceptions=import_ray().exceptions,
        wait=lambda streams, **_: (streams, []),
        get=lambda message: message,
        cancel=lambda stream, force: cancelled.append(stream),
    )

    def full(folder, files) -> None:
        raise OSError(28, "No space left on device", str(folder.root))

    def ended(fold, failure) -> None:
        told.append(failure.errno)
        if others == "end":
            raise_failure(fold, failure)

    monkeypatch.setattr(executor, "import_ray", lambda: cluster)
    monkeypatch.setattr(executor, "_send", lambda *_: stream)
    monkeypatch.setattr(executor, "receive", full)
    try:
        executor.run_on_cluster([make_fold()], print, SimpleNamespace(), jobs=1, ended=ended)
    except OSError as error:
        assert others == "end" and error.errno == 28
    assert told == [28] and cancelled == [stream]
