"""SIGKILL at random moments of whole runs: each start goes on, nothing is unreadable, the bits come out the same."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rehearsal import KINDS, Start, Started
from same_results import assert_same_results, only_run, read_everything
from stages import STAGES

PROJECT = Path(__file__).parents[2]
WAYS = [
    ("--workers", "0", "--jobs", "1", "--cache-limit", "0"),
    ("--workers", "0", "--jobs", "1"),
    ("--workers", "2", "--jobs", "1", "--cache-limit", "0"),
    ("--workers", "0", "--jobs", "2"),
    ("--workers", "2", "--jobs", "2"),
]  # results depend on none of them: each start draws its own


def test_kills_at_random_moments(lane, figures, competition: Path, tmp_path: Path) -> None:
    """Half of the kills at a moment drawn from the length of a run, half in a stage drawn from all of them."""
    rng, kills, stages, starts, files = random.Random(7), lane(4, 200), Counter[str](), 0, 0
    kinds = list(KINDS)
    references = {}
    for kind in kinds[: lane(2, len(kinds))]:
        reference = Start(KINDS[kind](), competition, tmp_path / f"unkilled {kind}", WAYS[0])
        references[kind] = (reference, reference.finish().seconds)
    number = 0
    while stages.total() < kills:
        kind = rng.choice(list(references))
        reference, seconds = references[kind]
        start, number = replace(reference, folder=tmp_path / f"killed {number}"), number + 1
        for _ in range(rng.randint(1, lane(2, 4))):
            start = replace(start, options=rng.choice(WAYS))
            begun = _begun(start)
            started, starts = start.begin(), starts + 1
            _kill(started, rng, seconds)
            _assert_continued(started, begun)
            if started.code == 0:
                break  # it was faster than the kill
            assert started.code == -signal.SIGKILL, started.printed
            stages[started.stage] += 1
            files += read_everything(start.runs)
        begun = _begun(start)
        last, starts = start.finish(), starts + 1
        _assert_continued(last, begun)
        assert_same_results(only_run(reference.runs), only_run(start.runs))
        shutil.rmtree(start.folder)
    assert len(stages) >= lane(2, len(STAGES) - 2), stages
    told = ", ".join(f"{stage} {stages[stage]}" for stage in STAGES if stages[stage])
    figures(
        "SIGKILL at random moments",
        f"{stages.total()} kills ({told}); {starts} starts, all went on; {files} files "
        f"read between, 0 unreadable; {number} of {number} runs with the bits of an unkilled one",
    )


def _kill(started: Started, rng: random.Random, seconds: float) -> None:
    """Send SIGKILL at a random moment of a run of that many seconds, or soon after it entered a random stage."""
    if rng.random() < 0.5:
        moment, wanted = started.begun + rng.uniform(0, seconds), None
    else:
        moment, wanted = float("inf"), rng.choice(STAGES[1:-1])
    while time.monotonic() < moment and started.code is None:
        if wanted and started.stage == wanted:
            moment, wanted = time.monotonic() + rng.uniform(0, 0.01), None
        time.sleep(0.0005)
    if started.code is None:
        os.kill(started.pid, signal.SIGKILL)
    started.process.join()


def _begun(start: Start) -> bool:
    return any(start.runs.glob("*/*/fold_*/state.pth"))


def _assert_continued(started: Started, begun: bool) -> None:
    """A start after the first commit says that it goes on, if it came so far as to say anything."""
    if begun and "run     " in started.printed and started.printed.endswith("\n"):
        assert "(continued)" in started.printed or "(finished)" in started.printed, started.printed


def test_kills_of_the_command_itself(lane, figures, competition: Path, tmp_path: Path) -> None:
    """As a user starts it, its imports included: python -m experiments.smoke."""
    if not lane(0, 1):
        pytest.skip("its imports take seconds: in the full lane")
    command = [sys.executable, "-m", "experiments.smoke", "--data", str(competition), "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    rng, killed, runs = random.Random(11), 0, 4

    def start(folder: str) -> subprocess.Popen[bytes]:
        words = [*command, "--runs", str(tmp_path / folder), "--cache", str(tmp_path / "cache")]
        return subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)

    began = time.monotonic()
    assert start("unkilled").wait(timeout=300) == 0
    seconds = time.monotonic() - began
    for number in range(runs):
        for _ in range(3):
            process = start(f"killed {number}")
            try:
                process.wait(timeout=rng.uniform(0.1, 1) * seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                killed += process.wait() == -signal.SIGKILL
            if (tmp_path / f"killed {number}").exists():
                read_everything(tmp_path / f"killed {number}")
        assert start(f"killed {number}").wait(timeout=300) == 0
        assert_same_results(only_run(tmp_path / "unkilled"), only_run(tmp_path / f"killed {number}"))
    figures("SIGKILL, python -m", f"{killed} kills of {runs} runs from their imports on, {runs} with the same bits")
