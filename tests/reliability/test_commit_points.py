"""A failure or a kill at every call of a commit: the old state stays, and the run goes on to the same bits."""

import os
import shutil
from pathlib import Path

import pytest
from commit_points import FAILURES, Failure, Killed, Points
from rehearsal import declare, one_small_fold
from rich.console import Console
from same_results import assert_same_results, assert_same_values, read_everything

from data.cache_build import CacheSettings
from data.errors import DataError
from runners.compute import Compute
from runners.experiment import Experiment
from runners.fold_state import FoldState
from runners.main import run_experiment
from runners.run_folder import RunFolder
from runners.workspace import Workspace

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
OF_A_COMMIT = [
    "create",
    "write",
    "fsync",
    "chmod",
    "replace",
    "replace",
    "fsync",
]  # the second replace keeps the old one


@pytest.mark.parametrize("failure", FAILURES)
def test_every_call_of_one_commit(tmp_path: Path, monkeypatch, figures, failure: Failure) -> None:
    """The state is the old one or the new one, whole, whichever call failed."""
    old, new = {"epoch": 1, "log": [0.1]}, {"epoch": 2, "log": [0.1, 0.2]}
    outcomes = []
    for number in range(len(OF_A_COMMIT) + 1):
        warnings: list[str] = []
        state = FoldState(RunFolder(tmp_path / f"run-{number}").fold(0), warnings.append)
        state.save(old)
        points = Points(number, failure)
        with monkeypatch.context() as patch:
            points.install(patch)
            try:
                state.save(new)
            except (Killed, OSError) as error:
                assert isinstance(error, Killed) == (failure == "kill")
                if isinstance(error, OSError):
                    assert error.filename == str(state.folder.state) and "bytes were to be written" in error.strerror
        loaded = state.load()
        assert loaded is not None and not warnings
        del loaded["fold"]
        assert loaded in (old, new), f"at {points.seen[-1]}"
        outcomes.append(loaded["epoch"])
        state.save(new)
        read_everything(tmp_path / f"run-{number}")
    assert points.seen == OF_A_COMMIT, "the last round had no failure"
    assert outcomes == [1] * 6 + [2] * 2
    figures(
        f"calls of a commit, {failure}", f"{len(OF_A_COMMIT)} of {len(OF_A_COMMIT)} left the old state or the new one"
    )


@pytest.fixture
def run(tmp_path: Path, competition: Path):
    """Runs an experiment on the small competition, in this process."""
    source = tmp_path / "tiny.py"
    source.write_text('"""Does it last?"""\n')

    def start(experiment: Experiment) -> RunFolder:
        console = Console(file=open(os.devnull, "w"))
        cache = CacheSettings(tmp_path / "cache", limit=0, processes=1)
        workspace = Workspace(competition, tmp_path / "runs", CPU, cache, False, console)
        return run_experiment(experiment, source, workspace)

    return start


@pytest.mark.parametrize("failure", FAILURES)
def test_every_call_of_a_whole_run(run, lane, figures, tmp_path: Path, monkeypatch, failure: Failure) -> None:
    """In the full lane every one; in the fast one those of a commit in its middle, and a few of all others."""
    experiment = one_small_fold(epochs=2)
    whole = run(experiment)
    whole.root.rename(tmp_path / "unkilled")
    points = Points()
    with monkeypatch.context() as patch:
        points.install(patch)
        shutil.rmtree(run(experiment).root)
    calls = points.seen
    assert calls.count("replace") > 15
    chosen = range(FAILURES.index(failure), len(calls), lane(40, 1))
    for number in chosen:
        points = Points(number, failure)
        with monkeypatch.context() as patch:
            points.install(patch)
            with pytest.raises((Killed, OSError, DataError)) as error:
                run(experiment)
        assert isinstance(error.value, Killed) == (failure == "kill")
        if failure != "kill":
            assert str(tmp_path / "runs") in str(error.value), f"{error.value} at {calls[number]}"
            assert "bytes were to be written" in str(error.value)
        assert read_everything(tmp_path / "runs") or number < len(OF_A_COMMIT)
        continued = run(experiment)
        assert_same_results(RunFolder(tmp_path / "unkilled"), continued)
        shutil.rmtree(continued.root)
    figures(
        f"calls of a run, {failure}",
        f"{len(chosen)} of {len(calls)} calls: what was on disk stayed whole, and went on to the same bits",
    )


def test_states_are_the_same_after_a_kill_in_every_part_that_changes(run, tmp_path: Path, monkeypatch) -> None:
    """Two folds, two criteria, a network with running statistics: killed at the second commit of each fold."""
    experiment = declare()
    whole = run(experiment)
    whole.root.rename(tmp_path / "unkilled")
    commits: list[int] = []
    replace = os.replace

    def count(source: object, target: object) -> None:
        commits.append(len(commits)) if Path(str(target)).name == "state.pth" else None
        if len(commits) in (2, 4) and Path(str(target)).name == "state.pth":
            raise Killed
        replace(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", count)
        for _ in range(2):
            with pytest.raises(Killed):
                run(experiment)
    continued = run(experiment)
    assert_same_results(RunFolder(tmp_path / "unkilled"), continued)
    with pytest.raises(AssertionError):
        assert_same_values({"a": 1}, {"a": 2})
