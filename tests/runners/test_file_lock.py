"""A lock is one holder's at a time, and nobody's once its holder is gone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import DataError
from runners.file_lock import locked

PROJECT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from runners.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lock_of_another_process_is_respected_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    holder = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(DataError, match=f"leaderboard.csv is in use by process {holder.pid}: wait for it, or end it"):
        with locked(path, patience=0.05):
            pytest.fail("two hold one lock")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with locked(path, patience=5):
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a.csv"):
        raise ZeroDivisionError
    with locked(tmp_path / "a.csv", patience=0):
        pass


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a.csv can't be locked: No such file or directory"):
        with locked(tmp_path / "no/a.csv"):
            pass


FORKS = """
import os, sys, time
from pathlib import Path
from runners.file_lock import locked
with locked(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        time.sleep(600)
    print(child, flush=True)
    time.sleep(600)
"""


def test_worker_processes_do_not_keep_the_lock_of_their_killed_parent(tmp_path: Path) -> None:
    holder = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", FORKS, str(tmp_path / "run")], cwd=PROJECT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        os.kill(child, 0)  # it lives on
        with locked(tmp_path / "run", patience=1):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        holder.stdout.close()
