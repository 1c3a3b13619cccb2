"""Rounds are taken in turn and compared pair by pair; how long anything takes is not tested."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from time import process_time

import pytest

from benchmarks.rounds import Cost, Rounds, take_turns, timed


def test_everybody_has_one_turn_a_round_and_every_other_round_goes_backwards() -> None:
    turns: list[str] = []

    def contestant(name: str) -> Callable[[], None]:
        return lambda: turns.append(name)

    found = take_turns({name: contestant(name) for name in "abc"}, rounds=2, warm_ups=1)
    assert "".join(turns) == "abc" + "abc" + "cba"
    assert {name: len(costs) for name, costs in found.costs.items()} == {"a": 2, "b": 2, "c": 2}


def test_a_contestant_that_times_itself_is_believed() -> None:
    found = take_turns({"inside": lambda: Cost(wall=7.0, cpu=5.0), "outside": lambda: "done"}, rounds=1, warm_ups=0)
    assert found.costs["inside"] == [Cost(7.0, 5.0)] and found.wall("outside") < 7.0


def test_ratios_are_medians_of_pairs_not_ratios_of_medians() -> None:
    found = Rounds({
        "slow": [Cost(2, 3), Cost(40, 30), Cost(30, 15)],
        "fast": [Cost(1, 1), Cost(10, 10), Cost(30, 5)],
    })
    assert (found.wall("slow"), found.wall("fast"), found.cpu("slow")) == (30, 10, 15)
    assert found.ratio("slow", "fast") == 2 and found.cpu_ratio("slow", "fast") == 3


def _busy(seconds: float, done: Event, go: Event) -> None:
    while process_time() < seconds:
        pass
    done.set()
    go.wait()


@pytest.mark.parametrize("ended", [True, False])
def test_a_child_counts_once_whether_it_has_ended_or_not(ended: bool) -> None:
    context = get_context("fork")
    done, go = context.Event(), context.Event()
    child = context.Process(target=_busy, args=(0.2, done, go))
    before = process_time()
    with timed() as whole:
        child.start()
        done.wait()
        if ended:
            go.set()
            child.join()
    own = process_time() - before
    assert 0.15 < whole.cpu - own < 0.3
    with timed() as rest:
        go.set()
        child.join()
    assert rest.cpu < 0.1
