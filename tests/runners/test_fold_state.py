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
