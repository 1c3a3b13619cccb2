"""A first signal unwinds a command, a second one ends it, and so do some seconds of unwinding."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from runners.endings import one_sentence

PROJECT = Path(__file__).parents[2]
HANGS = """
import sys, time
from pathlib import Path
from runners import endings, stop
stop.END_SECONDS, stop._ONE_REQUEST_SECONDS = float(sys.argv[1]), 0
with endings.one_sentence(Path("runs")):
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("unwinds", flush=True)
        time.sleep(600)
"""


def start(seconds: float) -> "subprocess.Popen[str]":
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", HANGS, str(seconds)], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once(number: int, code: int) -> None:
    process = start(seconds=600)
    process.send_signal(number)
    assert process.stdout is not None and process.stdout.readline() == "unwinds\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == (
        "error: ended at once. The same command continues from what is saved.\n"
    )
    assert process.returncode == code


def test_a_stop_that_hangs_ends_by_itself() -> None:
    process = start(seconds=0.1)
    process.send_signal(signal.SIGTERM)
    assert "ended at once" in process.communicate(timeout=60)[1] and process.returncode == 143


IGNORES = """
import signal, sys, typer
from pathlib import Path
from runners import endings

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
        for _ in range(100):
            pass

try:
    with endings.one_sentence(Path("runs")):
        Finalized()
        for _ in range(1000):
            time.sleep(0.01)
        print("was not stopped")
except typer.Exit as ended:
    sys.exit(ended.exit_code)
"""


def test_a_stop_that_python_ignores_is_raised_again() -> None:
    """As in a finalizer, or around a fork: there, what a handler raises is printed and forgotten."""
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", "import time" + IGNORES], cwd=PROJECT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert answer.returncode == 143 and "was not stopped" not in answer.stdout
    assert answer.stderr == "error: ended by SIGTERM. The same command continues from what is saved.\n"


def test_without_a_signal_the_handlers_are_those_of_before(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with one_sentence(tmp_path):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_short_memory_is_a_sentence(tmp_path: Path, capsys) -> None:
    with pytest.raises(typer.Exit) as ended, one_sentence(tmp_path):
        raise MemoryError
    assert ended.value.exit_code == 1 and f"error: {tmp_path}: memory is short" in capsys.readouterr().err


SLOW_TO_GO = """
import experiments
import ctypes, signal, sys, typer
from pathlib import Path
from runners import endings, stop
stop.END_SECONDS = 0.3
libc = ctypes.CDLL(None)
for _ in range(4000):  # called with the exit code, 143 microseconds, after Python has given its handlers back
    libc.on_exit(libc.usleep, None)
try:
    with endings.one_sentence(Path("runs")):
        signal.raise_signal(signal.SIGTERM)
except typer.Exit as ended:
    sys.exit(ended.exit_code)
"""


def test_the_alarm_does_not_go_off_when_python_is_gone() -> None:
    """A library that takes long to unload, on a busy machine, must not turn 143 into a death by SIGALRM."""
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", SLOW_TO_GO], cwd=PROJECT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert answer.returncode == 143, answer.stderr
