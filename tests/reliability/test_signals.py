"""SIGTERM and Ctrl-C at random moments: over in seconds, nothing left running, and the run goes on to the same bits."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rehearsal import KINDS, Start, Started, living
from same_results import assert_same_results, only_run, read_everything
from stages import STAGES
from test_kills import WAYS  # type: ignore[import-not-found]

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def interrupt(started: Started, number: int, group: bool) -> None:
    """To the command, or to it and all it started: as a terminal does, and `timeout`, and service managers."""
    os.killpg(started.pid, number) if group else os.kill(started.pid, number)


def wait_until(started: Started, moment: float) -> bool:
    """Whether it lives at a moment; a start is not interrupted before it listens to signals."""
    while started.code is None and (time.monotonic() < moment or started.stage == "start" and not started.printed):
        time.sleep(0.001)
    return started.code is None


def wait_for(started: Started, stage: str) -> float:
    """The moment when it is in a stage, or at its end."""
    while started.code is None and started.stage != stage:
        time.sleep(0.0005)
    return time.monotonic()


def test_signals_at_random_moments(lane, figures, competition: Path, tmp_path: Path) -> None:
    """Half of them at a moment drawn from the length of a run, half soon after a fold, or a part of it, began."""
    rng, wanted, stages, slowest, saved = random.Random(5), lane(3, 50), Counter[str](), 0.0, 0
    kinds = list(KINDS)[:: lane(3, 1)]
    references = {kind: Start(KINDS[kind](), competition, tmp_path / f"unstopped {kind}") for kind in kinds}
    whole = {kind: reference.finish() for kind, reference in references.items()}
    trials, ways = 0, [*WAYS, ("--workers", "2", "--jobs", "2", "--cache-limit", "0")]
    while stages.total() < wanted or not saved:
        kind, number, group, trials = rng.choice(kinds), rng.choice(list(CODES)), rng.random() < 0.5, trials + 1
        start = replace(references[kind], folder=tmp_path / f"stopped {trials}", options=rng.choice(ways))
        started = start.begin()
        if rng.random() < 0.5:
            moment = started.begun + rng.uniform(0.1, 1) * whole[kind].seconds
        else:
            moment = wait_for(started, rng.choice(("model", "train", "validation", "inference"))) + rng.uniform(0, 0.05)
        if not wait_until(started, moment):
            continue
        stage, told = started.stage, time.monotonic()
        interrupt(started, number, group)
        started.wait(60)
        took = time.monotonic() - told
        if started.code == 0:
            continue  # its last line was printed: it ended by itself
        assert started.code == CODES[number], f"{started.code} in {started.stage}:\n{started.printed}"
        assert "The same command continues" in started.printed and "Traceback" not in started.printed, started.printed
        assert took < lane(30, 5), f"{took:.1f} s in {started.stage}"
        _assert_nothing_runs_on(started)
        read_everything(start.runs)
        stages[stage], slowest = stages[stage] + 1, max(slowest, took)
        saved += _assert_continued_with_the_next_batch(started, start.finish(), whole[kind])
        assert_same_results(only_run(references[kind].runs), only_run(start.runs))
        shutil.rmtree(start.folder)
    told_stages = ", ".join(f"{stage} {stages[stage]}" for stage in STAGES if stages[stage])
    figures(
        "SIGTERM and Ctrl-C",
        f"{stages.total()} ({told_stages}): codes 143 and 130, the slowest end after {slowest:.1f} s, 0 orphans; "
        f"{saved} folds saved in the middle of an epoch; no batch trained twice, all went on to the same bits",
    )


def _assert_continued_with_the_next_batch(stopped: Started, continued: Started, whole: Started) -> int:
    """Where the stop says that a fold is saved, it goes on; all in all each batch is run once. The number of these."""
    saved = sorted(line.replace("  saved in", "") for line in stopped.printed.splitlines() if "  saved in" in line)
    gone_on = [line.replace("  continues in", "") for line in continued.printed.splitlines() if "continues in" in line]
    assert saved == sorted(gone_on), f"{stopped.printed}\n{continued.printed}"
    assert "warning" not in continued.printed, continued.printed
    assert stopped.batches + continued.batches == whole.batches, f"{stopped.printed}\n{continued.printed}"
    return len(saved)


def _assert_nothing_runs_on(started: Started) -> None:
    """Folds and workers are gone within the seconds that torch's workers take to look for their parent."""
    deadline = time.monotonic() + 10
    while living(started.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not living(started.pid), "a process outlives the command"


def signals_all_as_validation_begins(told: Path, own_handlers: bool) -> None:
    """Make a worker of the second validation signal its group before, or after, torch gave it handlers."""
    from torch.utils.data._utils import signal_handling

    from runners.supervised import ClassificationRunner

    on_loader_start, set_handlers = ClassificationRunner.on_loader_start, signal_handling._set_worker_signal_handlers
    place = []

    def start(self: ClassificationRunner, runner: object) -> None:
        on_loader_start(self, runner)
        place[:] = [self.loader_key, self.epoch_step]

    def handle() -> None:
        if own_handlers:
            set_handlers()
        if place == ["valid", 2] and not told.exists():
            told.touch()
            os.killpg(os.getpgrp(), signal.SIGTERM)
        set_handlers()

    ClassificationRunner.on_loader_start = start  # type: ignore[method-assign, assignment]
    signal_handling._set_worker_signal_handlers = handle


@pytest.mark.parametrize("own_handlers", [False, True])
def test_a_stop_while_workers_are_started_costs_no_batch(competition: Path, tmp_path: Path, own_handlers: bool) -> None:
    options = ("--workers", "2", "--jobs", "1", "--cache-limit", "0")
    start = Start(KINDS["two criteria, cosine"](), competition, tmp_path / "stopped", options)
    whole = replace(start, folder=tmp_path / "whole").finish()
    stopped = replace(start, prepare=partial(signals_all_as_validation_begins, tmp_path / "told", own_handlers)).begin()
    stopped.wait(60)
    assert stopped.code == 143 and "saved in epoch 2 after valid batch 1" in stopped.printed, stopped.printed
    assert _assert_continued_with_the_next_batch(stopped, start.finish(), whole) == 1


def never_ends() -> None:
    """Make a stop hang where it is unwound, as a process that waits for a dead disk does."""
    import runners.kfold

    def hang(*_: object) -> None:
        print("HANGING", flush=True)
        try:
            time.sleep(600)
        finally:
            time.sleep(600)

    runners.kfold.run_serially = hang


@pytest.mark.parametrize("number", list(CODES))
def test_a_second_signal_ends_at_once_what_hangs_in_a_first(competition: Path, tmp_path: Path, figures, number) -> None:
    started = Start(KINDS["two criteria, cosine"](), competition, tmp_path, prepare=never_ends).begin()
    wait_for_hanging(started)
    interrupt(started, number, group=True)
    time.sleep(0.2)
    interrupt(started, number, group=True)
    told = time.monotonic()
    started.wait(60)
    assert started.code == CODES[number] and "ended at once" in started.printed
    figures(f"a second {signal.Signals(number).name}", f"ended {time.monotonic() - told:.2f} s later")


def test_a_stop_that_hangs_is_ended_by_itself(competition: Path, tmp_path: Path, figures) -> None:
    started = Start(KINDS["two criteria, cosine"](), competition, tmp_path, prepare=never_ends).begin()
    wait_for_hanging(started)
    interrupt(started, signal.SIGTERM, group=False)
    told = time.monotonic()
    started.wait(60)
    assert started.code == 143 and "ended at once" in started.printed
    figures("a stop that hangs", f"ended by itself after {time.monotonic() - told:.1f} s")


def hangs_in_a_batch(patience: float) -> None:
    """Make the fifth batch of each process hang, and shorten what it is waited for."""
    import runners.fold
    from runners.supervised import ClassificationRunner

    runners.fold.BATCH_SECONDS = patience
    handle_batch, seen = ClassificationRunner.handle_batch, []

    def hang(*arguments: object, **keywords: object) -> None:
        seen.append(0)
        if len(seen) == 5:
            print("HANGING", flush=True)
            time.sleep(600)
        handle_batch(*arguments, **keywords)  # type: ignore[arg-type]

    ClassificationRunner.handle_batch = hang  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_batch_that_takes_too_long_is_given_up(lane, competition: Path, tmp_path: Path, figures, jobs: str) -> None:
    options = ("--workers", "0", "--jobs", jobs, "--cache-limit", "0")
    prepare = partial(hangs_in_a_batch, lane(0.2, 3.0))
    start = Start(KINDS["two criteria, cosine"](), competition, tmp_path, options, prepare)
    started = start.begin()
    wait_for_hanging(started, times=int(jobs))
    interrupt(started, signal.SIGTERM, group=False)
    told = time.monotonic()
    started.wait(60)
    assert started.code == 143 and "ended by SIGTERM" in started.printed and "saved in" not in started.printed
    figures(f"a batch that hangs, {jobs} a time", f"given up after {time.monotonic() - told:.1f} s")


def test_a_second_signal_ends_folds_in_processes_at_once(competition: Path, tmp_path: Path, figures) -> None:
    options, prepare = ("--workers", "2", "--jobs", "2"), partial(hangs_in_a_batch, 600.0)
    started = Start(KINDS["two criteria, cosine"](), competition, tmp_path, options, prepare).begin()
    wait_for_hanging(started, times=2)
    interrupt(started, signal.SIGINT, group=True)
    time.sleep(0.2)
    interrupt(started, signal.SIGINT, group=True)
    told = time.monotonic()
    started.wait(60)
    assert started.code == 130 and "ended at once" in started.printed
    _assert_nothing_runs_on(started)
    figures("a second SIGINT, 2 at a time", f"ended {time.monotonic() - told:.2f} s later")


def wait_for_hanging(started: Started, times: int = 1) -> None:
    """Until it, or that many of its folds, hang."""
    while started.printed.count("HANGING") < times:
        assert started.code is None, started.printed
        time.sleep(0.01)
