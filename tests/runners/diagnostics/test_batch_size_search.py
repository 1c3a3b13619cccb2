import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.diagnostics.batch_size_search import AS_FAST, NARROW, SMALLEST, Attempt, search_sizes


class Machine:
    """Memory grows with the size, time has a part that every batch costs; notes what was tried."""

    def __init__(self, limit: float, overhead: float = 1.0, each: float = 0.1) -> None:
        self.limit, self.overhead, self.each = limit, overhead, each
        self.tried: list[int] = []

    def __call__(self, size: int) -> Attempt:
        self.tried.append(size)
        seconds = self.overhead + self.each * size
        return Attempt(size, seconds, size, "" if size <= self.limit else "out of memory")


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_the_largest_size_is_found_to_within_an_eighth_with_few_attempts(limit: int, most: int) -> None:
    machine = Machine(limit)
    found = search_sizes(machine, most, "that was all", while_it_pays=False)
    best = min(limit, most)
    if best == 0:
        assert found.largest is None and found.suggested is None
    else:
        assert found.largest is not None
        assert best / (1 + 1 / NARROW) - 1 <= found.largest.size <= best
    assert max(machine.tried) <= most and len(set(machine.tried)) == len(machine.tried)
    assert len(machine.tried) <= math.log2(most) + 2 + math.log2(NARROW) + 1
    assert (found.end == "that was all") == (limit >= most)
    assert [one.size for one in found.attempts] == sorted(machine.tried)


@given(st.floats(0.01, 100), st.integers(2, 400))
def test_the_suggestion_is_the_smallest_as_fast_as_the_fastest(overhead: float, limit: int) -> None:
    found = search_sizes(Machine(limit, overhead), 4096, "", while_it_pays=False)
    fitting = [one for one in found.attempts if one.fits]
    best = max(one.size / one.seconds for one in fitting)
    assert found.suggested == min(
        (one for one in fitting if one.size / one.seconds >= AS_FAST * best), key=lambda one: one.size
    )


def test_the_search_ends_where_larger_batches_do_not_pay() -> None:
    flat = Machine(10**9, overhead=0.0)
    assert search_sizes(flat, 4096, "", while_it_pays=True).end == "two doublings in a row made it no faster"
    assert flat.tried == [2, 4, 8] and flat.tried[0] == SMALLEST
    assert search_sizes(Machine(10**9, overhead=0.0), 64, "all", while_it_pays=False).end == "all"
    growing = Machine(10**9, overhead=100.0)
    assert search_sizes(growing, 64, "all", while_it_pays=True).end == "all"


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1, 2]), (0, [1, 2]), (3, [2, 3, 4]), (9, [2, 4, 8, 9, 10, 12, 16])])
def test_what_does_not_fit_is_narrowed_down(limit: int, sizes: list[int]) -> None:
    found = search_sizes(Machine(limit), 4096, "", while_it_pays=True)
    assert [one.size for one in found.attempts] == sizes
    assert "does not fit: out of memory" in found.end
