import gc
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from callbacks.criterion import CriterionCallback, criterion_at
from runners.cosine_head import CosineHead
from runners.criteria import CrossEntropy, FocalLoss, SoftF1, inverse_frequency
from runners.margin_losses import LDAM, ArcFace


def weights(runner) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in runner.model.parameters()])


class Counted(nn.Module):
    """Cross entropy that notes how often it was trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.calls += torch.is_grad_enabled()  # validation is scored by both
        return nn.functional.cross_entropy(logits, targets)


def test_the_criterion_is_switched_at_its_epoch(train) -> None:
    first, second = Counted(), Counted()
    train(criteria={"a": first, "b": second}, schedule={1: "a", 3: "b"}, epochs=5, images=16, batch_size=16)
    assert (first.calls, second.calls) == (2, 3)  # one training batch an epoch


def test_loss_is_the_mean_over_images_not_over_batches(train) -> None:
    runner = train(epochs=1, batch_size=12)  # 20 validation images: batches of 12 and 8
    points = runner.loaders["valid"].dataset
    expected = nn.functional.cross_entropy(runner.model.eval()(points.features), points.targets)
    assert runner.history[0]["valid_loss"] == pytest.approx(expected.item(), rel=1e-6)


def test_a_sum_trains_with_all_and_logs_each_by_its_name(train) -> None:
    parts = {"ce": CrossEntropy(), "focal": FocalLoss(gamma=2.0), "f1": SoftF1()}
    shares = {"ce": 1.0, "focal": 0.5}
    runner = train(criteria=parts, schedule={1: shares}, epochs=2, batch_size=12)

    class Sum(nn.Module):
        def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return sum(share * parts[name](logits, targets) for name, share in shares.items())

    alone = train(criteria={"sum": Sum()}, epochs=2, batch_size=12)
    assert torch.allclose(weights(runner), weights(alone), atol=1e-7)
    points = runner.loaders["valid"].dataset
    logits = runner.model.eval()(points.features)
    last = runner.history[-1]
    for name in shares:
        assert last[f"valid_loss_{name}"] == pytest.approx(parts[name](logits, points.targets).item(), rel=1e-6)
    for loader in ("train", "valid"):
        each = {name: last[f"{loader}_loss_{name}"] for name in shares}
        assert last[f"{loader}_loss"] == pytest.approx(each["ce"] + 0.5 * each["focal"])
    assert "valid_loss_f1" not in last, "declared, but never used"
    assert not [name for name in alone.history[-1] if name.startswith("valid_loss_")], "one criterion is the loss"


def test_every_epoch_logs_every_criterion_that_is_used_in_some(train) -> None:
    """So that a table of the log has the same columns all over, and a number to compare across the switch."""
    criteria = {"ce": CrossEntropy(), "focal": FocalLoss(gamma=2.0)}
    runner = train(criteria=criteria, schedule={1: "ce", 3: {"ce": 0.2, "focal": 1.0}}, epochs=4)
    before, *_, after = runner.history
    assert before.keys() == after.keys()
    assert before["valid_loss"] == before["valid_loss_ce"] != before["valid_loss_focal"]
    assert after["valid_loss"] == pytest.approx(0.2 * after["valid_loss_ce"] + after["valid_loss_focal"])
    ce_alone = train(criteria=criteria, schedule={1: "ce"}, epochs=2)
    two = train(criteria=criteria, schedule={1: "ce", 3: "focal"}, epochs=2)
    assert torch.equal(weights(ce_alone), weights(two)), "what is only logged leaves no trace in the weights"


@pytest.mark.parametrize("images", [64, 60, 33])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_accumulate_exactly_where_all_parts_are_divided_by_the_same(train, images: int, weighted: bool) -> None:
    class_weights = (0.1, 5.0, 1.0, 0.0) if weighted else None
    criteria = {
        "ce": CrossEntropy(class_weights=class_weights),
        "focal": FocalLoss(gamma=2.0, class_weights=class_weights),
    }
    settings = {"images": images, "epochs": 3, "lr": 0.1, "criteria": criteria}
    settings["schedule"] = {1: {"ce": 0.3, "focal": 2.0}}
    accumulated = train(batch_size=8, accumulate=4, **settings)
    whole = train(batch_size=32, accumulate=1, **settings)
    assert (weights(accumulated) - weights(whole)).abs().max() < 1e-6


@pytest.mark.parametrize("images", [64, 33])
def test_margin_losses_accumulate_exactly(train, make_network, images: int) -> None:
    class_counts = torch.tensor([50, 20, 5, 100])
    ldam = LDAM(max_margin=0.5, class_counts=class_counts, logit_scale=8.0, class_weights=inverse_frequency)
    for criterion in (ldam, ArcFace(margin=0.2, logit_scale=8.0)):
        settings = {"images": images, "epochs": 3, "lr": 0.1, "criteria": {"margin": criterion}}
        runs = []
        for batch_size, accumulate in ((8, 4), (32, 1)):
            model = make_network()
            model[-1] = CosineHead(16, 4, scale=8.0)
            nn.init.eye_(model[-1].weight)
            runs.append(weights(train(model=model, batch_size=batch_size, accumulate=accumulate, **settings)))
        assert (runs[0] - runs[1]).abs().max() < 1e-6


class OnPositions(nn.Module):
    """A loss of something else than classes: it names what it takes of the batch."""

    target_key = "index"

    def forward(self, logits: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return (logits[:, 0] - index).abs().mean()


def test_a_criterion_is_given_the_targets_that_it_names(train) -> None:
    criteria = {"ce": CrossEntropy(), "positions": OnPositions()}
    runner = train(criteria=criteria, schedule={1: {"ce": 1.0, "positions": 0.1}}, epochs=1, batch_size=12)
    points = runner.loaders["valid"].dataset
    logits = runner.model.eval()(points.features)
    expected = (logits[:, 0] - torch.arange(20)).abs().mean().item()
    assert runner.history[0]["valid_loss_positions"] == pytest.approx(expected, rel=1e-6)
    expected = nn.functional.cross_entropy(logits, points.targets).item()
    assert runner.history[0]["valid_loss_ce"] == pytest.approx(expected, rel=1e-6)


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


def test_no_tensor_of_a_batch_outlives_it_and_the_mean_is_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones that do lie between large ones, and the process grows by those with every batch."""
    callback, rng = CriterionCallback({1: {"ce": 1.0}}), torch.Generator().manual_seed(0)
    engine = SimpleNamespace(device=torch.device("cpu"), sum_over_processes=lambda values: values)
    runner = SimpleNamespace(
        epoch_step=1, engine=engine, criterion={"ce": nn.functional.cross_entropy}, batch_metrics={}, loader_metrics={}
    )
    monkeypatch.setattr("callbacks.criterion._ROOM", 4)
    callback.on_loader_start(runner)
    sums, images, alive = 0.0, 0, list[int]()
    for size in (3, 5, 2, 7, 1, 4, 6, 3, 2):  # more than there is room for at first, twice
        runner.batch = {"logits": torch.randn(size, 3, generator=rng), "targets": torch.arange(size) % 3}
        callback.on_batch_end(runner)
        sums, images = sums + size * runner.batch_metrics["loss"].item(), images + size
        if callback.batches in (1, 9):
            gc.collect()
            alive.append(sum(isinstance(kept, torch.Tensor) for kept in gc.get_objects()))
    assert alive[1] == alive[0]
    callback.on_loader_end(runner)
    assert runner.loader_metrics["loss"] == pytest.approx(sums / images, rel=1e-6)
