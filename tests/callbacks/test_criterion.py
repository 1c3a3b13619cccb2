import pytest
import torch
from torch import nn

from callbacks.criterion import criterion_at


class Counted(nn.Module):
    """Cross entropy that notes how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return nn.functional.cross_entropy(logits, targets)


def test_the_criterion_is_switched_at_its_epoch(train) -> None:
    first, second = Counted(), Counted()
    train(criteria={"a": first, "b": second}, schedule={1: "a", 3: "b"}, epochs=5, images=16, batch_size=16)
    assert (first.calls, second.calls) == (2 * 3, 3 * 3)  # epochs * (1 training batch + 2 validation batches)


def test_loss_is_the_mean_over_images_not_over_batches(train) -> None:
    runner = train(epochs=1, batch_size=12)  # 20 validation images: batches of 12 and 8
    points = runner.loaders["valid"].dataset
    expected = nn.functional.cross_entropy(runner.model.eval()(points.features), points.targets)
    assert runner.history[0]["valid_loss"] == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(("epoch", "name"), [(1, "ce"), (5, "ce"), (6, "f1"), (9, "f1"), (10, "ce")])
def test_name_in_force(epoch: int, name: str) -> None:
    assert criterion_at({1: "ce", 6: "f1", 10: "ce"}, epoch) == name


def test_catalyst_own_callback_cannot_be_switched() -> None:
    """It keeps the criterion it saw at the start, whatever the runner holds later."""
    from types import SimpleNamespace

    from catalyst import dl

    runner, callback = SimpleNamespace(criterion=Counted()), dl.CriterionCallback("logits", "targets", "loss")
    callback.on_experiment_start(runner)
    first, runner.criterion = runner.criterion, Counted()
    assert callback.criterion is first
