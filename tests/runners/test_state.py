import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import DataError
from runners import state

ARRAYS = {"probabilities": np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3), "ids": np.array(["a", "누구"])}


def test_checkpoints_and_arrays_come_back_and_plain_libraries_read_them(tmp_path: Path) -> None:
    weights = {"model": {"w": torch.arange(6.0)}, "steps": [1, 2], "log": [{"f1": 0.1 + 0.2}]}
    state.write_checkpoint(tmp_path / "a.pth", weights)
    state.write_arrays(tmp_path / "a.npz", ARRAYS)
    for read in (state.read_checkpoint(tmp_path / "a.pth"), torch.load(tmp_path / "a.pth", weights_only=True)):
        assert torch.equal(read["model"]["w"], torch.arange(6.0)) and read["log"] == [{"f1": 0.1 + 0.2}]
    for arrays in (state.read_arrays(tmp_path / "a.npz"), np.load(tmp_path / "a.npz")):
        for name, values in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], values)
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        state.write_checkpoint(tmp_path / f"{name}.pth", {"w": torch.arange(6.0)})
        state.write_arrays(tmp_path / f"{name}.npz", ARRAYS)
    for suffix in (".pth", ".npz"):
        assert state.file_digest(tmp_path / f"one{suffix}") == state.file_digest(tmp_path / f"two{suffix}")


@pytest.mark.parametrize("name", ["a.pth", "a.npz"])
def test_every_damage_is_noticed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.pth":
        state.write_checkpoint(path, {"w": torch.arange(64.0)})
    else:
        state.write_arrays(path, ARRAYS)
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    read = state.read_checkpoint if name == "a.pth" else state.read_arrays
    damaged = [whole[:cut] for cut in (0, 1, 60, len(whole) // 2, len(whole) - 1)] + [whole + b"\0", b"\0" * len(whole)]
    for position in generator.integers(0, len(whole), 200):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << int(generator.integers(8))
        damaged.append(bytes(flipped))
    for body in damaged:
        path.write_bytes(body)
        with pytest.raises(DataError, match=f"{name} is damaged"):
            read(path)


def test_pickled_code_is_never_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    body = io.BytesIO()
    torch.save({"model": Attack()}, body)
    (tmp_path / "bad.pth").write_bytes(state._seal(body.getvalue()))
    with pytest.raises(DataError, match="(?i)bad.pth is no checkpoint .*weights.only"):
        state.read_checkpoint(tmp_path / "bad.pth")
    with pytest.raises(ValueError, match="allow_pickle"):
        state.write_arrays(tmp_path / "bad.npz", {"o": np.array([Attack()], dtype=object)})
    body = io.BytesIO()
    np.savez(body, allow_pickle=True, o=np.array([Attack()], dtype=object))
    (tmp_path / "bad.npz").write_bytes(state._seal(body.getvalue()))
    with pytest.raises(DataError, match="bad.npz is refused: plain arrays are expected in it .*allow_pickle"):
        state.read_arrays(tmp_path / "bad.npz")
    assert not (tmp_path / "owned").exists()


def test_an_archive_that_would_grow_in_memory_is_refused(tmp_path: Path) -> None:
    body = io.BytesIO()
    np.savez_compressed(body, zeros=np.zeros(100_000))
    (tmp_path / "bomb.npz").write_bytes(state._seal(body.getvalue()))
    with pytest.raises(DataError, match=r"bomb.npz is refused: 1,\d+ bytes would become 800,\d+"):
        state.read_arrays(tmp_path / "bomb.npz")


def test_what_is_sealed_and_no_arrays_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("note.txt", "no array")
    (tmp_path / "text.npz").write_bytes(state._seal((tmp_path / "text.npz").read_bytes()))
    with pytest.raises(DataError, match="text.npz is refused: .*a member is no array"):
        state.read_arrays(tmp_path / "text.npz")


def test_what_is_whole_but_no_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    state.write_arrays(tmp_path / "a.npz", ARRAYS)
    (tmp_path / "a.npz").rename(tmp_path / "swapped.pth")
    body = io.BytesIO()
    torch.save([1, 2], body)
    (tmp_path / "list.pth").write_bytes(state._seal(body.getvalue()))
    for name, holds in (("swapped.pth", "subdirectory"), ("list.pth", "it holds a list, not a dict")):
        with pytest.raises(DataError, match=f"{name} is no checkpoint of this project.*{holds}"):
            state.read_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("module", "call"), [(os, "fsync"), (os, "replace"), (tempfile, "mkstemp"), (Path, "mkdir"), (os, "chmod")]
)
def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch, module, call: str) -> None:
    path = tmp_path / "scores.json"
    state.write_json(path, {"f1": 0.5})

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, call, fail)
    with pytest.raises(OSError, match=r"No space left on device; 16 bytes were to be written: '.*scores.json'"):
        state.write_json(path, {"f1": 0.6})
    monkeypatch.undo()
    assert state.read_json(path) == {"f1": 0.5}
    assert list(tmp_path.iterdir()) == [path]


def test_a_commit_is_fsync_then_replace_then_fsync_of_the_folder(tmp_path: Path, monkeypatch) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (calls.append(name), real(*args))[1])
    state.write_text(tmp_path / "a.txt", "ü")
    assert calls == ["fsync", "replace", "fsync"]


def test_tables_quote_what_needs_it_and_keep_all_digits(tmp_path: Path) -> None:
    import csv

    rows = [{"epoch": 1, "note": 'a,"b"\n', "loss": 0.1 + 0.2}, {"epoch": 2, "note": "", "loss": float("nan")}]
    state.write_table(tmp_path / "t.csv", rows)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert float(read[0]["loss"]) == 0.1 + 0.2 and read[0]["note"] == 'a,"b"\n' and read[1]["loss"] == "nan"


def test_json_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(DataError, match=r"scores.json is damaged: it should hold JSON"):
        state.read_json(tmp_path / "scores.json")
    with pytest.raises(ValueError, match="JSON"):
        state.write_json(tmp_path / "scores.json", {"f1": float("nan")})


def test_what_a_file_was_before_is_kept_where_asked(tmp_path: Path) -> None:
    path, previous = tmp_path / "state.pth", tmp_path / "previous.pth"
    for number in range(3):
        state.write_checkpoint(path, {"epoch": number}, previous)
    assert state.read_checkpoint(path) == {"epoch": 2} and state.read_checkpoint(previous) == {"epoch": 1}


def test_results_can_be_read_by_colleagues(tmp_path: Path) -> None:
    state.write_text(tmp_path / "a.txt", "a")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644
