"""A worker killed, shared memory full, memory short: no hang, a sentence that names the images, and the run goes on."""

import ctypes
import os
import random
import re
import resource
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rehearsal import Start, Started, declare, one_small_fold
from same_results import assert_same_results, only_run, read_everything

HANG_SECONDS = 60
WORKERS = ("--workers", "2", "--jobs", "1", "--cache-limit", "0")
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS of unshare(2)


@pytest.fixture
def reference(competition: Path, tmp_path: Path) -> Start:
    start = Start(one_small_fold(), competition, tmp_path / "whole")
    start.finish()
    return start


def went_on(start: Start, reference: Start) -> None:
    """What is on disk can be read, and the same command, with nothing in its way, comes to the same bits."""
    if start.runs.exists():
        read_everything(start.runs)
    replace(start, prepare=partial(bool)).finish()
    assert_same_results(only_run(reference.runs), only_run(start.runs))


def said_once(started: Started) -> str:
    """The one sentence that a start ended with."""
    errors = [line for line in started.printed.splitlines() if line.startswith("error: ")]
    ours, _, others = started.printed.partition("error: ")  # a worker that lives on may complain as it is torn down
    assert started.code == 1 and len(errors) == 1 and "Traceback" not in ours, started.printed
    assert "/runners/" not in others and "/data/" not in others.partition("Traceback")[2], started.printed
    return errors[0]


def test_killed_workers(lane, figures, reference: Start, tmp_path: Path) -> None:
    rng, wanted, ends, named = random.Random(3), lane(1, 25), Counter[str](), 0
    for number in range(4 * wanted):
        if ends["stopped"] == wanted:
            break
        start = replace(reference, folder=tmp_path / f"run {number}", options=WORKERS, prepare=slow_images)
        started = start.begin()
        stage = rng.choice(("train", "validation", "inference"))
        while started.code is None and not (started.stage == stage and started.family()):
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.15))
        workers = started.family()
        if not workers or started.code is not None:
            started.wait(HANG_SECONDS)
            continue
        os.kill(rng.choice(workers), signal.SIGKILL)
        started.wait(HANG_SECONDS)
        if started.code == 0:
            ends["went on"] += 1  # its batches were done: nothing was lost with it
        else:
            sentence = said_once(started)
            assert re.search(r"decodes images \(pid \d+\) .*; it had in hand ('|no image yet)", sentence), sentence
            ends["stopped"] += 1
            named += "in hand '" in sentence
        went_on(start, reference)
    assert ends["stopped"] == wanted and named >= lane(0, 1)
    figures(
        "DataLoader worker killed",
        f"{ends.total()} kills: {ends['stopped']} stopped with a sentence ({named} named "
        f"the images in flight, the others had none yet), {ends['went on']} did not need it any more; 0 hangs",
    )


def slow_images() -> None:
    """Decoding that takes as long as that of large photos: a worker is met with images in hand."""
    import data.datasets

    image = data.datasets.ImageDataset._image

    def slowly(*arguments: object) -> object:
        time.sleep(0.005)
        return image(*arguments)  # type: ignore[arg-type]

    data.datasets.ImageDataset._image = slowly  # type: ignore[method-assign,assignment]


def small_shared_memory(kilobytes: int) -> None:
    """A /dev/shm of that size, for this process and its children alone."""
    assert not ctypes.CDLL(None).unshare(NEW_MOUNTS)
    for words in (["--make-rprivate", "/"], ["-t", "tmpfs", "-o", f"size={kilobytes}k", "none", "/dev/shm"]):  # noqa: S108
        subprocess.run(["mount", *words], check=True)


def test_full_shared_memory(lane, figures, reference: Start, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        figures("shared memory full", "not tried: mounting is not permitted here")
        pytest.skip("mounting is not permitted here")
    ends = Counter[str]()
    for kilobytes in lane((64,), (24, 48, 64, 80, 96, 128, 160, 200)):
        start = replace(
            reference,
            folder=tmp_path / str(kilobytes),
            options=WORKERS,
            prepare=partial(small_shared_memory, kilobytes),
        )
        started = start.begin()
        started.wait(HANG_SECONDS)
        if started.code != 0:
            sentence = said_once(started)
            assert "same command continues" in sentence.lower(), sentence
        ends["went on" if started.code == 0 else "stopped"] += 1
        went_on(start, reference)
    assert ends["stopped"]
    figures(
        "shared memory full",
        f"{ends.total()} sizes: {ends['stopped']} stopped with a sentence, {ends['went on']} "
        "had enough; 0 hangs, all went on to the same bits",
    )


def short_memory(megabytes: float) -> None:
    """Only that much more address space once training begins."""
    import runners.fold

    train = runners.fold.train_fold

    def limited(*arguments: object) -> object:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + int(megabytes * 2**20), resource.RLIM_INFINITY))
        try:
            return train(*arguments)  # type: ignore[arg-type]
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    runners.fold.train_fold = limited  # type: ignore[assignment]


def test_short_memory(lane, figures, competition: Path, tmp_path: Path) -> None:
    large = Start(declare(batch_size=32, criterion="ce"), competition, tmp_path / "large")
    large.finish()
    ends = Counter[str]()
    for megabytes in lane((2,), (0.5, 1, 2, 4, 8, 12, 16, 24)):
        start = replace(large, folder=tmp_path / str(megabytes), prepare=partial(short_memory, megabytes))
        started = start.begin()
        started.wait(HANG_SECONDS)
        assert started.code is not None
        if started.code > 0:
            sentence = said_once(started)
            assert "memory is short" in sentence and "same command continues" in sentence, sentence
        elif started.code < 0:  # a library that does not look whether it was given memory: nothing can be said
            assert started.code in (-signal.SIGSEGV, -signal.SIGABRT), started.code
        ends["went on" if started.code == 0 else "stopped" if started.code > 0 else "crashed"] += 1
        went_on(start, large)
    assert ends["stopped"]
    figures(
        "out of memory",
        f"{ends.total()} limits: {ends['stopped']} stopped with a sentence, {ends['crashed']} crashed in native code, "
        f"{ends['went on']} had enough; 0 hangs, all went on to the same bits",
    )
