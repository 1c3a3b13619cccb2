import shutil
from pathlib import Path

import numpy as np
import pytest

from runners.fold_state import FoldState
from runners.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "20261123-150000-0123456789")


def test_a_damaged_state_costs_one_epoch_and_is_said(run: RunFolder) -> None:
    warnings: list[str] = []
    state = FoldState(run.fold(0), warnings.append)
    for epoch in (1, 2):
        state.save({"epoch": epoch})
    assert state.load() == {"epoch": 2, "fold": "0123456789/fold_0"} and not warnings
    run.fold(0).state.write_bytes(b"\0" * 100)
    assert state.load() == {"epoch": 1, "fold": "0123456789/fold_0"}
    assert "state.pth is damaged" in warnings[0] and "the epoch before is taken" in warnings[0]
    run.fold(0).previous.write_bytes(b"")
    assert state.load() is None and "previous.pth is damaged" in warnings[2] and "trained anew" in warnings[2]


def test_a_kill_between_the_two_renames_of_a_commit_is_no_damage(run: RunFolder) -> None:
    warnings: list[str] = []
    state = FoldState(run.fold(0), warnings.append)
    state.save({"epoch": 1})
    run.fold(0).state.rename(run.fold(0).previous)
    assert state.load() == {"epoch": 1, "fold": "0123456789/fold_0"} and not warnings
    assert run.begun


def test_files_of_another_fold_are_not_taken(run: RunFolder) -> None:
    warnings: list[str] = []
    first, second = (FoldState(run.fold(number), warnings.append) for number in (0, 1))
    first.save({"epoch": 1})
    first.save_predictions({"valid": np.ones((2, 3))})
    shutil.copytree(run.fold(0).root, run.fold(1).root)
    assert second.load() is None and second.load_predictions() is None
    assert "state.pth belongs to 0123456789/fold_0, not to 0123456789/fold_1" in warnings[0]
    assert "Therefore its images are predicted again" in warnings[1]


def test_predictions_come_back_and_damaged_ones_are_made_again(run: RunFolder) -> None:
    warnings: list[str] = []
    state = FoldState(run.fold(0), warnings.append)
    assert state.load_predictions() is None and not warnings
    state.save_predictions({"valid": np.eye(3)})
    loaded = state.load_predictions()
    assert loaded is not None and list(loaded) == ["valid"] and (loaded["valid"] == np.eye(3)).all()
    run.fold(0).predictions.write_bytes(run.fold(0).predictions.read_bytes()[:-5])
    assert state.load_predictions() is None and "predictions.npz is damaged" in warnings[0]


def test_where_a_stop_left_the_next_epoch_is_taken_until_that_epoch_is_committed(run: RunFolder) -> None:
    warnings: list[str] = []
    state, fold = FoldState(run.fold(0), warnings.append), {"fold": "0123456789/fold_0"}
    in_first, first, in_second, second = (
        {"steps": [1], "batch": {"batch_step": 7}}, {"steps": [1]}, {"steps": [2], "batch": {"batch_step": 2}},
        {"steps": [2]},
    )  # fmt: skip
    state.save_stopped(in_first)
    assert run.begun and state.load() == in_first | fold
    state.save(first)
    assert not run.fold(0).stopped.exists() and state.load() == first | fold
    state.save_stopped(in_second)
    assert state.load() == in_second | fold
    left = run.fold(0).stopped.read_bytes()
    state.save(second)
    run.fold(0).stopped.write_bytes(left)  # a kill came between the commit and its removal
    assert state.load() == second | fold and not run.fold(0).stopped.exists()
    assert not warnings


@pytest.mark.parametrize("name", ["state.pth", "stopped.pth"])
def test_of_a_stopped_fold_the_newest_whole_state_is_taken(run: RunFolder, name: str) -> None:
    warnings: list[str] = []
    state = FoldState(run.fold(0), warnings.append)
    for epoch in (1, 2):
        state.save({"steps": [epoch]})
    state.save_stopped({"steps": [3], "batch": {}})
    (run.fold(0).root / name).write_bytes(b"\0" * 100)
    loaded = state.load()
    assert loaded is not None and loaded["steps"] == [3 if name == "state.pth" else 2]
    assert f"{name} is damaged" in warnings[0] and ("from the first batch" in warnings[0]) == (name == "stopped.pth")


def test_where_another_fold_was_left_is_not_taken(run: RunFolder) -> None:
    warnings: list[str] = []
    FoldState(run.fold(0), warnings.append).save_stopped({"steps": [1], "batch": {}})
    shutil.copytree(run.fold(0).root, run.fold(1).root)
    assert FoldState(run.fold(1), warnings.append).load() is None
    assert "stopped.pth belongs to 0123456789/fold_0, not to 0123456789/fold_1" in warnings[0]


def test_a_state_of_the_middle_of_an_epoch_is_known_for_one_wherever_it_lies(run: RunFolder) -> None:
    """Files that were mistaken for each other are never taken for an epoch's end."""
    state = FoldState(run.fold(0), lambda _: None)
    state.save({"steps": [1]})
    state.save_stopped({"steps": [2], "batch": {"batch_step": 5}})
    run.fold(0).stopped.replace(run.fold(0).state)
    loaded = state.load()
    assert loaded is not None and loaded["batch"] == {"batch_step": 5}
