import pytest
import torch

from callbacks.optimizer import closes_window
from callbacks.probe import ProbeCallback


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 8), (3, 3)])
def test_every_step_is_reported_with_the_mean_loss_of_its_images(train, accumulate: int, steps: int) -> None:
    """60 images in batches of 8, the last of 4: at a rate of 0 each image's loss is known."""
    losses: list[float] = []
    runner = train(
        extra=[ProbeCallback(accumulate, lambda loss: bool(losses.append(loss)), None)],
        accumulate=accumulate, epochs=1, lr=0.0, shuffled=False,
    )  # fmt: skip
    points = runner.loaders["train"].dataset
    with torch.inference_mode():
        each = torch.nn.functional.cross_entropy(runner.model(points.features), points.targets, reduction="none")
    ends = [batch for batch in range(1, 9) if closes_window(batch, 8, accumulate)]
    starts = [0, *ends[:-1]]
    expected = [each[8 * start : 8 * end].mean().item() for start, end in zip(starts, ends, strict=True)]
    assert losses == pytest.approx(expected, rel=1e-5) and len(losses) == steps


@pytest.mark.parametrize("last", [1, 3, 8, 9, 16, 17])
def test_a_step_may_end_the_training(train, last: int) -> None:
    """In the middle of an epoch, with the last batch of one (the 8th), in a later one."""
    losses: list[float] = []

    def after_step(loss: float) -> bool:
        losses.append(loss)
        return len(losses) == last

    runner = train(extra=[ProbeCallback(1, after_step, None)], epochs=4)
    assert len(losses) == last and runner.epoch_step == -(-last // 8)


def test_an_epoch_may_end_the_training(train) -> None:
    rows: list[dict[str, float]] = []

    def after_epoch(row: dict[str, float]) -> bool:
        rows.append(row)
        return row["epoch"] == 2

    runner = train(extra=[ProbeCallback(1, None, after_epoch)], epochs=5)
    assert [row["epoch"] for row in rows] == [1, 2] and rows == runner.history
    assert train(extra=[ProbeCallback(1, None, lambda _: False)], epochs=3).epoch_step == 3
