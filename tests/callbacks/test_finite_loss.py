import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from callbacks.finite_loss import FiniteLossCallback
from data.errors import DataError


class NaNFrom(nn.Module):
    """Cross entropy until a training batch is reached, NaN for some batches, cross entropy after."""

    def __init__(self, first: int, batches: int) -> None:
        super().__init__()
        self.bad, self.seen = range(first, first + batches), 0

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(logits, targets)
        if logits.requires_grad:
            self.seen += 1
            if self.seen in self.bad:
                return loss * 0 + float("nan")  # its gradients are 0: the weights stay as they are
        return loss


def test_a_run_stops_after_some_batches_and_says_where(train) -> None:
    with pytest.raises(
        DataError, match=r"in 3 batches in a row, the last one batch 3 of epoch 1 with the images 'point \d+', "
    ):
        train(criteria={"ce": NaNFrom(first=1, batches=99)}, extra=[FiniteLossCallback(3)], lr=0.0)


def test_fewer_bad_batches_than_the_patience_do_not_stop_it(train) -> None:
    runner = train(criteria={"ce": NaNFrom(first=2, batches=2)}, extra=[FiniteLossCallback(3)], lr=0.0, epochs=2)
    assert len(runner.history) == 2


def test_bad_batches_at_the_very_end_of_an_epoch_are_found(train) -> None:
    with pytest.raises(DataError, match="batch 8"):
        train(criteria={"ce": NaNFrom(first=6, batches=99)}, extra=[FiniteLossCallback(3)], lr=0.0)


def test_epochs_of_few_batches_add_up(train) -> None:
    """Two batches an epoch: the count must not start anew with each."""
    with pytest.raises(DataError, match="in 5 batches in a row, the last one batch 1 of epoch 3"):
        train(criteria={"ce": NaNFrom(first=1, batches=99)}, extra=[FiniteLossCallback(5)], lr=0.0, images=16, epochs=9)


ALONE = SimpleNamespace(sum_over_processes=lambda flags: flags, rows_of_all_processes=lambda index: index)


def losses(values: list[float], patience: int, train: bool = True, engine: SimpleNamespace = ALONE) -> None:
    """Feed a row of losses to the callback, one a batch of one image."""
    callback = FiniteLossCallback(patience)
    runner = SimpleNamespace(is_train_loader=train, loader_batch_len=len(values), epoch_step=1, engine=engine)
    runner.loader = SimpleNamespace(dataset=SimpleNamespace(image_ids=[f"i{n}" for n in range(len(values))]))
    callback.on_loader_start(runner)
    for batch, value in enumerate(values, 1):
        runner.loader_batch_step, runner.batch_metrics = batch, {"loss": torch.tensor(value)}
        runner.batch = {"index": torch.tensor([batch - 1])}
        callback.on_batch_end(runner)


NAN = float("nan")


@pytest.mark.parametrize("values", [[NAN, NAN, 1.0] * 5, [NAN, 1.0] * 9, [1.0] * 9])
def test_only_batches_in_a_row_count(values: list[float]) -> None:
    losses(values, patience=3)


@pytest.mark.parametrize("values", [[1.0, NAN, NAN, NAN, 1.0, 1.0], [float("inf")] * 3, [1.0] * 4 + [NAN] * 3])
def test_a_row_is_found_wherever_it_lies(values: list[float]) -> None:
    third = next(n for n in range(len(values)) if all(not math.isfinite(v) for v in values[n : n + 3])) + 2
    with pytest.raises(DataError, match=f"3 batches in a row, the last one batch {third + 1} .* images 'i{third}':"):
        losses(values, patience=3)


def test_validation_is_not_counted() -> None:
    losses([NAN] * 9, patience=3, train=False)


def test_a_loss_that_is_bad_in_another_process_ends_this_one_too_and_its_images_are_named() -> None:
    other = SimpleNamespace(
        sum_over_processes=lambda flags: flags + torch.ones_like(flags),
        rows_of_all_processes=lambda index: torch.cat([index, torch.tensor([0])]),
    )
    with pytest.raises(DataError, match="in 2 batches in a row, the last one batch 2 .*i1.*i0"):
        losses([1.0, 1.0, 1.0], patience=2, engine=other)
