import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

import runners.executor
from data.errors import DataError
from runners.executor import run_in_processes, run_serially


class Shown:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.batches = 0

    def line(self, text: str) -> None:
        self.lines.append(text)

    def advance(self, batches: int, description: str) -> None:
        self.batches += batches


def folds(tmp_path: Path, count: int = 4) -> list[SimpleNamespace]:
    compute = SimpleNamespace(device="cpu")
    return [
        SimpleNamespace(number=number, title=f"fold {number + 1}/{count}", compute=compute, folder=tmp_path)
        for number in range(count)
    ]


def work(fold: SimpleNamespace, progress) -> None:
    for _ in range(10):
        progress.advance(1, fold.title)
    progress.line(f"{fold.title} done")
    (fold.folder / f"{fold.number}.txt").write_text(str(os.getpid()))


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_every_fold_is_run_in_a_process_of_its_own_and_its_progress_is_shown(tmp_path: Path, jobs: int) -> None:
    shown = Shown()
    run_in_processes(folds(tmp_path), work, shown, jobs=jobs)
    processes = {int((tmp_path / f"{number}.txt").read_text()) for number in range(4)}
    assert len(processes) == 4 and os.getpid() not in processes
    assert sorted(shown.lines) == [f"fold {number}/4 done" for number in (1, 2, 3, 4)] and shown.batches == 40


def test_serially_means_here(tmp_path: Path) -> None:
    shown = Shown()
    run_serially(folds(tmp_path), work, shown)
    assert {(tmp_path / f"{number}.txt").read_text() for number in range(4)} == {str(os.getpid())}
    assert shown.batches == 40


def test_no_more_folds_than_jobs_run_at_a_time(tmp_path: Path) -> None:
    def count(fold, progress) -> None:
        (tmp_path / f"{fold.number}.running").touch()
        progress.line(str(len(list(tmp_path.glob("*.running")))))
        time.sleep(0.3)
        (tmp_path / f"{fold.number}.running").unlink()

    shown = Shown()
    run_in_processes(folds(tmp_path, 6), count, shown, jobs=2)
    assert max(map(int, shown.lines)) == 2


def test_a_mistake_in_one_fold_is_its_sentence_and_ends_the_others(tmp_path: Path) -> None:
    def fail(fold, progress) -> None:
        if fold.number == 1:
            raise DataError("fold 2/4 has no best epoch.")
        (tmp_path / f"{fold.number}.pid").write_text(str(os.getpid()))
        time.sleep(600)

    with pytest.raises(DataError, match=r"^fold 2/4 has no best epoch.$"):
        run_in_processes(folds(tmp_path), fail, Shown(), jobs=2)
    for file in tmp_path.glob("*.pid"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)
    assert not (tmp_path / "2.pid").exists(), "no further fold is begun"


def test_a_full_disk_in_a_fold_stays_an_error_of_the_system(tmp_path: Path) -> None:
    def fail(fold, progress) -> None:
        raise OSError(28, "No space left on device", "state.pth")

    with pytest.raises(OSError, match="No space left") as error:
        run_in_processes(folds(tmp_path, 1), fail, Shown(), jobs=2)
    assert error.value.filename == "state.pth"


@pytest.mark.parametrize("how", ["killed", "crashed"])
def test_a_process_that_ends_before_its_time_is_said(tmp_path: Path, how: str, capfd) -> None:
    def end(fold, progress) -> None:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ZeroDivisionError("a bug")

    code = -9 if how == "killed" else 1
    with pytest.raises(DataError, match=f"fold 1/1: its process ended with code {code} before it was done .*--jobs"):
        run_in_processes(folds(tmp_path, 1), end, Shown(), jobs=2)
    assert ("a bug" in capfd.readouterr().err) == (how == "crashed"), "a bug's traceback is not swallowed"


def two_runs(tmp_path: Path) -> list[SimpleNamespace]:
    """Three folds each, the first of the first run fails, in turn: fold 0 of a, fold 0 of b, ..."""
    compute = SimpleNamespace(device="cpu")
    return [
        SimpleNamespace(
            title=f"{run} {number}", compute=compute, fails=run == "a" and number == 0,
            folder=SimpleNamespace(root=tmp_path / run / str(number)),
        )
        for number in range(3)
        for run in "ab"
    ]  # fmt: skip


def fail_or_not(fold: SimpleNamespace, progress) -> None:
    fold.folder.root.mkdir(parents=True)
    if fold.fails:
        raise DataError("a has no best epoch.")
    time.sleep(0.2 if fold.folder.root.parent.name == "b" else 600)


@pytest.mark.parametrize("execute", [run_serially, partial(run_in_processes, jobs=3)])
def test_a_failure_that_is_let_pass_ends_its_own_run_alone(tmp_path: Path, execute) -> None:
    ends = []
    execute(two_runs(tmp_path), fail_or_not, Shown(), ended=lambda fold, failure: ends.append((fold.title, failure)))
    assert sorted(title for title, failure in ends if failure is None) == ["b 0", "b 1", "b 2"]
    ((title, failure),) = [end for end in ends if end[1]]
    assert title == "a 0" and str(failure) == "a has no best epoch."
    assert not (tmp_path / "a" / "2").exists(), "no further fold of it is begun"


PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_executor import Shown, folds
from runners.executor import run_in_processes
import os
def sleep(fold, progress):
    worker = os.fork()  # as a DataLoader's, which inherits what its fold holds of the others
    if worker == 0:
        time.sleep(600)
    (fold.folder / f"{{fold.number}}.worker").write_text(str(worker))
    (fold.folder / f"{{fold.number}}.pid").write_text(str(os.getpid()))
    time.sleep(600)
run_in_processes(folds(Path(sys.argv[1]), 3), sleep, Shown(), jobs=3)
"""


STOPPED = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_executor import Shown, folds
from runners.executor import run_in_processes
import runners.stop
from runners.stop import Stop, Terminated, current_stop, listening
runners.stop._ONE_REQUEST_SECONDS = 0
def batches(fold, progress):
    if fold.number == 2:  # is not in training
        (fold.folder / "2.begun").touch()
        time.sleep(600)
    with current_stop().awaited(60) as stop:
        (fold.folder / f"{{fold.number}}.begun").touch()
        while not stop.asked:
            time.sleep(0.001)
        time.sleep(0.1)
        stop.heed(lambda: progress.line(f"saved {{fold.number}}"))
shown = Shown()
try:
    with listening(Stop(), signal.SIGINT, signal.SIGTERM):
        run_in_processes(folds(Path(sys.argv[1]), 4), batches, shown, jobs=3)
except Terminated:
    print(sorted(shown.lines))
"""


@pytest.mark.parametrize("group", [False, True])
def test_a_stop_is_passed_on_and_waits_until_folds_have_saved(tmp_path: Path, group: bool) -> None:
    """Once or, where the signal reached them too, a second time; the fold that was still waiting is not begun."""
    code = STOPPED.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.begun"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(parent.pid, signal.SIGTERM) if group else parent.terminate()
    assert parent.communicate(timeout=60) == ("['saved 0', 'saved 1']\n", "")
    assert not (tmp_path / "3.begun").exists()


def test_a_fold_that_is_ended_by_somebody_else_is_said(tmp_path: Path) -> None:
    def ended(fold, progress) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(600)

    with pytest.raises(DataError, match="fold 1/1: its process was ended by SIGTERM; the same command continues"):
        run_in_processes(folds(tmp_path, 1), ended, Shown(), jobs=2)


def test_a_signal_to_a_fold_that_has_no_handlers_yet_waits_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, mask = runners.executor._work, signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def signalled(*arguments) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        begin(*arguments)

    monkeypatch.setattr("runners.executor._work", signalled)
    with pytest.raises(DataError, match="fold 1/1: its process was ended by SIGTERM; the same command continues"):
        run_in_processes(folds(tmp_path, 1), work, Shown(), jobs=2)
    assert not (tmp_path / "0.txt").exists()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask, "here signals come as before"


def test_folds_do_not_outlive_their_killed_parent(tmp_path: Path) -> None:
    code = PARENT.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment)  # noqa: S603 - our own words
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.pid"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    children = [int(file.read_text()) for file in tmp_path.glob("*.pid")]
    assert len(children) == 3
    parent.kill()
    parent.wait()
    alive = children
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        alive = [pid for pid in alive if _alive(pid)]
    for file in tmp_path.glob("*.worker"):
        os.kill(int(file.read_text()), signal.SIGKILL)
    assert not alive


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
