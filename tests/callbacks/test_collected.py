import torch
from hypothesis import given
from hypothesis import strategies as st

from callbacks.collected import Collected


@given(sizes=st.lists(st.sampled_from([0, 1, 7, 64, 4000, 5000, 10000]), max_size=6), kept=st.booleans())
def test_rows_are_those_of_all_batches_in_their_order(sizes: list[int], kept: bool) -> None:
    rows = torch.arange(2 * sum(sizes)).reshape(-1, 2)
    collected = Collected(rows[:0]) if kept else Collected()
    for batch in rows.split(sizes) if sizes else ():
        collected.add(batch)
    assert torch.equal(collected.rows, rows) or not sizes and len(collected.rows) == 0


def test_it_goes_on_from_rows_and_leaves_them_as_they_are() -> None:
    first = torch.arange(5.0)
    collected = Collected(first)
    collected.add(torch.arange(5.0, 9.0))
    assert torch.equal(collected.rows, torch.arange(9.0)) and torch.equal(first, torch.arange(5.0))


def test_many_batches_take_few_blocks() -> None:
    collected, blocks = Collected(), set[int]()
    for _ in range(1000):
        collected.add(torch.zeros(64, 3))
        blocks.add(collected.rows.data_ptr())
    assert len(blocks) <= 5
