from collections.abc import Iterator

import pytest

import callbacks.pace
from callbacks.pace import WARM_UP, PaceCallback


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th look at the clock is at n * n seconds: what is between two looks tells them apart."""
    looks: Iterator[float] = (float(look * look) for look in range(1000))
    monkeypatch.setattr(callbacks.pace.time, "perf_counter", lambda: next(looks))


def test_the_mean_of_the_batches_after_the_warm_up_is_told_once(train, clock) -> None:
    told: list[float] = []
    train(extra=[PaceCallback(20, told.append)], epochs=4)  # 8 training batches an epoch, and 3 of validation
    # looks 0 ... 7 of epoch 1, 8 ... 15 of epoch 2, 16 ... 19 of epoch 3; not the first five, nor an epoch's first
    counted = [look for look in range(WARM_UP, 20) if look % 8]
    assert told == [sum(look**2 - (look - 1) ** 2 for look in counted) / len(counted)]


@pytest.mark.parametrize(("epochs", "batch_size"), [(2, 8), (30, 60)])
def test_of_a_shorter_training_and_of_single_batches_nothing_is_told(train, epochs: int, batch_size: int) -> None:
    told: list[float] = []
    train(extra=[PaceCallback(20, told.append)], epochs=epochs, batch_size=batch_size)
    assert told == []
