import copy

import pytest
import torch

from callbacks.checkpoint import CheckpointCallback
from callbacks.monitor import Monitor
from callbacks.soup import GreedySoup, SoupCallback


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"w": torch.tensor([value])}


def test_the_best_epochs_are_kept_best_first() -> None:
    soup, log, monitor = GreedySoup(epochs=2), [], Monitor("f1", "max")
    for epoch, value in enumerate([0.3, 0.1, float("nan"), 0.5, 0.3, 0.4], start=1):
        log.append({"valid_f1": value})
        soup.keep(epoch, weights(epoch), monitor.ranking(log))
    assert {epoch: one["w"].item() for epoch, one in soup.kept.items()} == {4: 4.0, 6: 6.0}
    assert list(soup.kept) == [4, 6] and monitor.ranking(log) == [4, 6, 1, 5, 2]
    assert Monitor("f1", "min").ranking(log) == [2, 1, 5, 6, 4]


def test_what_is_kept_is_a_copy() -> None:
    soup, live = GreedySoup(epochs=2), weights(1.0)
    soup.keep(1, live, [1])
    live["w"].zero_()
    assert soup.kept[1]["w"].item() == 1.0


def test_one_epoch_is_no_soup() -> None:
    with pytest.raises(ValueError, match="epochs is 1: two epochs or more make a soup"):
        GreedySoup(epochs=1)


def test_a_continued_run_keeps_the_same_epochs(train) -> None:
    def trained(state, epochs: int):
        states, soup, monitor = [], GreedySoup(epochs=2), Monitor("loss", "min")
        checkpoint = CheckpointCallback(
            monitor, {}, lambda one: states.append(copy.deepcopy(one)), print, lambda log: None, lambda: state
        )
        train(extra=[SoupCallback(soup, monitor), checkpoint], epochs=epochs)
        return soup, states[-1]

    whole, _ = trained(None, 5)
    _, state = trained(None, 3)
    continued, _ = trained(state, 5)
    assert list(whole.kept) == list(continued.kept) and len(whole.kept) == 2
    for epoch, kept in whole.kept.items():
        assert all(torch.equal(kept[name], continued.kept[epoch][name]) for name in kept)
