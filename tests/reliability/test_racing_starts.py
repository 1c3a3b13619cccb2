"""Starts of one run at once: one wins, the others are refused with its pid; the lock of a dead process is nobody's."""

import multiprocessing
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rehearsal import Start, one_small_fold
from same_results import assert_same_results, only_run

from data.errors import DataError
from runners.run_folder import open_run

IDENTITY = "0123456789"


def race(runs: Path, gate: Any, told: Any) -> None:
    """Open the run when the gate opens; tell what came of it, and how long that took."""
    gate.wait()
    asked = time.monotonic()
    try:
        with open_run(runs, "tiny", IDENTITY) as run:
            with (run.root / "lines.txt").open("a") as file:
                for _ in range(100):
                    file.write(f"{os.getpid()}\n")
                    file.flush()
            told.put(("won", os.getpid(), time.monotonic() - asked))
            time.sleep(1.5)  # longer than any other is patient
    except DataError as error:
        told.put(("refused", str(error), time.monotonic() - asked))


def test_starts_at_once(lane, figures, tmp_path: Path) -> None:
    """Each round begins with the lock file that the round before left behind, its winner's pid in it."""
    context, racers, rounds, slowest = multiprocessing.get_context("fork"), lane(8, 20), lane(2, 50), 0.0
    winners = []
    for _ in range(rounds):
        gate, told = context.Event(), context.SimpleQueue()
        processes = [context.Process(target=race, args=(tmp_path, gate, told)) for _ in range(racers)]
        for process in processes:
            process.start()
        gate.set()
        answers = [told.get() for _ in processes]
        for process in processes:
            process.join()
        won = [pid for kind, pid, _ in answers if kind == "won"]
        assert len(won) == 1, answers
        for kind, sentence, seconds in answers:
            if kind == "refused":
                assert f"is in use by process {won[0]}: wait for it, or end it" in sentence
                slowest = max(slowest, seconds)
        winners += won
    assert slowest < lane(10, 1), f"refused after {slowest:.2f} s"
    (run,) = (tmp_path / "tiny").glob("*-*")
    assert [int(line) for line in (run / "lines.txt").read_text().split()] == [
        pid for pid in winners for _ in range(100)
    ]
    figures(
        "starts at once",
        f"{rounds} rounds of {racers}: one winner each, {rounds * (racers - 1)} refused with its pid, "
        f"the slowest in {slowest:.2f} s; {rounds - 1} locks of dead processes taken over",
    )


def test_real_starts_at_once(lane, figures, competition: Path, tmp_path: Path) -> None:
    """Whole commands: one trains, the others say who does; then the winner is killed and its lock is nobody's."""
    whole = Start(one_small_fold(), competition, tmp_path / "whole")
    whole.finish()
    rounds, racers = lane(1, 5), lane(2, 6)
    for number in range(rounds):
        start = replace(whole, folder=tmp_path / str(number), prepare=slow_epochs)
        started = [start.begin() for _ in range(racers)]
        deadline = time.monotonic() + 60
        while sum(one.code is None for one in started) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        (winner,) = (one for one in started if one.code is None)
        for one in started:
            if one is not winner:
                said = re.search(r"error: .* is in use by process (\d+): wait for it, or end it", one.printed)
                assert one.code == 1 and said and int(said[1]) == winner.pid, one.printed
        winner.end()
        replace(start, prepare=bool).finish()
        assert_same_results(only_run(whole.runs), only_run(start.runs))
    figures(
        "starts of the command",
        f"{rounds} rounds of {racers}: one trained, {rounds * (racers - 1)} refused; killed, "
        "each went on to the same bits",
    )


def slow_epochs() -> None:
    """A run that lasts until it is killed."""
    import runners.kfold

    run = runners.kfold.run_serially

    def slowly(*arguments: object) -> None:
        run(*arguments)  # type: ignore[arg-type]
        time.sleep(600)

    runners.kfold.run_serially = slowly
