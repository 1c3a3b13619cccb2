"""A run of up to twelve epochs with patience 3, stopped at each of them: the same stop, best and learning rates."""

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path

from rehearsal import Start, one_small_fold
from same_results import assert_same_results, only_run
from torch.optim.lr_scheduler import ReduceLROnPlateau

from runners.state import read_arrays

EPOCHS, PATIENCE = 12, 3


def killed_in_commit(number: int) -> None:
    """End the process in the commit of that epoch: just before its state is in its place."""
    import os

    rename, seen = os.replace, []

    def stop(source: object, target: object) -> None:
        if Path(str(target)).name == "state.pth":
            seen.append(target)
            if len(seen) == number:
                os._exit(9)
        rename(source, target)  # type: ignore[arg-type]

    os.replace = stop  # type: ignore[assignment]


def trace(start: Start) -> tuple[list[str], int, int]:
    """Learning rates by epoch, the epoch it stopped after and the best one."""
    fold = only_run(start.runs).fold(0)
    with fold.metrics.open(newline="") as file:
        rates = [row["lr"] for row in csv.DictReader(file)]
    arrays = read_arrays(fold.predictions)
    return rates, int(arrays["epochs"]), int(arrays["best_epoch"])


def test_stop_at_each_epoch(lane, figures, competition: Path, tmp_path: Path) -> None:
    """Once in its commit, and for every other run a second time one epoch later."""
    experiment = one_small_fold(
        epochs=EPOCHS,
        patience=PATIENCE,
        scheduler=partial(ReduceLROnPlateau, mode="max", patience=0, factor=0.5),
        seed=8,
    )
    whole = Start(experiment, competition, tmp_path / "whole")
    whole.finish()
    rates, epochs, best = trace(whole)
    assert PATIENCE < epochs < EPOCHS and epochs - best == PATIENCE and len(set(rates)) > 2, (rates, epochs, best)
    stops = list(range(1, EPOCHS + 1))[lane(1, 0) :: lane(6, 1)]
    for number in stops:
        start = replace(whole, folder=tmp_path / f"stopped {number}", prepare=partial(killed_in_commit, number))
        stopped = start.begin()
        stopped.wait(60)
        assert stopped.code == (9 if number <= epochs else 0), "after the early stop there is no commit to be killed in"
        if stopped.code and number % 2 and number < epochs:
            again = replace(start, prepare=partial(killed_in_commit, 2)).begin()
            again.wait(60)
            assert again.code == 9
        replace(start, prepare=partial(bool)).finish()
        assert trace(start) == (rates, epochs, best)
        assert_same_results(only_run(whole.runs), only_run(start.runs))
    figures(
        "stop at each epoch",
        f"{len(stops)} of {len(stops)}: stopped after epoch {epochs}, best {best}, the same "
        f"{len(set(rates))} learning rates",
    )
