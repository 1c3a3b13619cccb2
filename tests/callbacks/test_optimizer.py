import pytest
import torch
from torch import nn

from callbacks.optimizer import closes_window


def weights(runner) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in runner.model.parameters()])


@pytest.mark.parametrize("images", [64, 60, 33, 32, 5])
def test_4_batches_of_8_act_like_one_of_32_also_when_the_last_window_is_short(train, images: int) -> None:
    accumulated = train(images=images, batch_size=8, accumulate=4, epochs=3, lr=0.5)
    whole = train(images=images, batch_size=32, accumulate=1, epochs=3, lr=0.5)
    assert (weights(accumulated) - weights(whole)).abs().max() < 1e-6


def test_training_equals_a_plain_torch_loop(train, plain_loop) -> None:
    runner = train(images=60, batch_size=8, epochs=3, lr=0.5)
    reference, _ = plain_loop(images=60, batch_size=8, epochs=3, lr=0.5)
    assert (weights(runner) - reference).abs().max() < 1e-6


def test_catalyst_own_accumulation_is_another_training(train) -> None:
    """Its loss is not divided by the window's length and the last window is never stepped."""
    from catalyst import dl

    from runners.supervised import make_engine

    ours = train(images=60, batch_size=8, accumulate=4, epochs=1, lr=0.5, shuffled=False)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    points = ours.loaders["train"].dataset
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(points.features, points.targets), batch_size=8)
    runner = dl.SupervisedRunner()
    runner.train(
        model=model,
        engine=make_engine("cpu"),
        criterion=nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.5),
        loaders={"train": loader},
        callbacks=[dl.OptimizerCallback(metric_key="loss", accumulation_steps=4)],
        loggers={"console": dl.ConsoleLogger(log_hparams=False)},
    )
    assert (weights(ours) - weights(runner)).abs().max() > 0.1


def test_gradients_are_clipped_just_before_every_step(train) -> None:
    norms = []

    class Recorder(torch.optim.SGD):
        def step(self, closure=None):
            gradients = [p.grad for group in self.param_groups for p in group["params"]]
            norms.append(float(nn.utils.get_total_norm(gradients)))
            return super().step(closure)

    train(images=60, batch_size=8, accumulate=3, clip_norm=1e-3, optimizer=Recorder, epochs=2)
    assert len(norms) == 2 * 3  # 8 batches: windows of 3, 3 and 2
    assert all(norm == pytest.approx(1e-3, rel=1e-3) for norm in norms)


def test_gradients_left_by_an_interrupted_epoch_do_not_leak(train, make_network) -> None:
    dirty = make_network()
    for parameter in dirty.parameters():
        parameter.grad = torch.full_like(parameter, 100.0)
    assert torch.equal(weights(train(model=dirty)), weights(train(model=make_network())))


@pytest.mark.parametrize(
    ("batches", "accumulate", "steps"), [(6, 4, [4, 6]), (8, 4, [4, 8]), (3, 5, [3]), (3, 1, [1, 2, 3])]
)
def test_windows_close_at_their_length_and_at_the_loader_end(batches: int, accumulate: int, steps: list[int]) -> None:
    assert [b for b in range(1, batches + 1) if closes_window(b, batches, accumulate)] == steps


def make_weighted(kind: str) -> nn.Module:
    from runners.criteria import CrossEntropy, FocalLoss

    weights = (0.1, 5.0, 1.0, 0.0)
    return (
        CrossEntropy(class_weights=weights) if kind == "cross entropy" else FocalLoss(gamma=2.0, class_weights=weights)
    )


@pytest.mark.parametrize("kind", ["cross entropy", "focal"])
@pytest.mark.parametrize("images", [64, 60, 33])
def test_class_weighted_losses_accumulate_to_the_same_weights_too(train, kind: str, images: int) -> None:
    """Each batch divides by the weights of its own targets: plain sums of such means are another loss."""
    settings = {"images": images, "epochs": 3, "lr": 0.5}
    accumulated = train(batch_size=8, accumulate=4, criteria={"w": make_weighted(kind)}, **settings)
    whole = train(batch_size=32, accumulate=1, criteria={"w": make_weighted(kind)}, **settings)
    assert (weights(accumulated) - weights(whole)).abs().max() < 1e-6
    assert accumulated.history[-1]["valid_loss"] == pytest.approx(whole.history[-1]["valid_loss"], rel=1e-5)


@pytest.mark.parametrize("images", [64, 60, 33])
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_sums_of_differently_divided_criteria_accumulate_to_the_same_weights(train, images: int, clip_norm) -> None:
    """Each criterion's means are put together by its own weights, though one step takes all their gradients."""
    criteria = {"plain": nn.CrossEntropyLoss(), "a": make_weighted("cross entropy"), "b": make_weighted("focal")}
    settings = {"images": images, "epochs": 3, "lr": 0.5, "criteria": criteria, "clip_norm": clip_norm}
    settings["schedule"] = {1: {"plain": 0.5, "a": 1.0, "b": 2.0}, 3: {"plain": 1.0}}
    accumulated = train(batch_size=8, accumulate=4, **settings)
    whole = train(batch_size=32, accumulate=1, **settings)
    assert (weights(accumulated) - weights(whole)).abs().max() < 1e-6
    assert accumulated.history[1]["valid_loss"] == pytest.approx(whole.history[1]["valid_loss"], rel=1e-5)
