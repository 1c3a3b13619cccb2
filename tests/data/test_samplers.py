import pytest

from data.samplers import SequentialSampler, SharedBatches, ShuffledSampler


def order(epoch: int, seed: int = 1, fold: int = 0) -> list[tuple[int, int]]:
    sampler = ShuffledSampler(50, seed=seed, fold=fold)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_each_image_once_an_epoch_with_the_epoch_beside_it() -> None:
    assert sorted(order(3)) == [(3, position) for position in range(50)]
    assert len(ShuffledSampler(50, seed=1, fold=0)) == 50


def test_the_order_depends_on_seed_fold_and_epoch_alone() -> None:
    positions = {
        tuple(position for _, position in order(**key))
        for key in ({"epoch": 1}, {"epoch": 2}, {"epoch": 1, "fold": 1}, {"epoch": 1, "seed": 2})
    }
    assert len(positions) == 4
    assert order(2) == order(2)


@pytest.mark.parametrize("epoch", range(1, 5))
def test_the_next_epoch_of_a_seed_is_not_the_next_seed(epoch: int) -> None:
    """With Catalyst's seed + epoch, seed 42 in epoch e + 1 repeats seed 43 in epoch e."""
    assert [p for _, p in order(epoch + 1, seed=42)] != [p for _, p in order(epoch, seed=43)]


def test_validation_keeps_the_order_and_the_epoch_zero() -> None:
    sampler = SequentialSampler(4)
    sampler.set_epoch(7)
    assert list(sampler) == [(0, 0), (0, 1), (0, 2), (0, 3)] and len(sampler) == 4


@pytest.mark.parametrize(("images", "batch_size", "ranks"), [(50, 8, 2), (49, 8, 3), (3, 4, 4), (8, 8, 1)])
def test_the_parts_of_a_batch_are_the_batch_that_one_process_has(images: int, batch_size: int, ranks: int) -> None:
    def sampler() -> ShuffledSampler:
        return ShuffledSampler(images, seed=1, fold=0)

    parts = [SharedBatches(sampler(), batch_size, rank=rank, ranks=ranks) for rank in range(ranks)]
    keys = list(sampler())
    for number, batch in enumerate(zip(*parts, strict=True)):
        whole = keys[number * batch_size : (number + 1) * batch_size]
        assert sorted(key for part in batch for key in part) == sorted(whole)
        assert max(map(len, batch)) - min(map(len, batch)) <= 1
        assert parts[0].images(number + 1) == len(whole)
    assert {len(part) for part in parts} == {-(-images // batch_size)} == {number + 1}
