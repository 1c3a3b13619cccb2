from functools import partial

import numpy as np
import pytest
import torch
from catalyst.core.callback import Callback
from torch.nn import functional

from callbacks.mix import MixCallback, mixed_batch
from data.mixing import Mixup
from runners.criteria import CrossEntropy

CLASSES = 4


def of_points(features: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator):
    """Mixup of what the tests' network takes, (B, 8) numbers."""
    images, soft = Mixup(alpha=1.0, probability=1.0, partners="any")(features[:, None, None, :], targets, rng)
    return images[:, 0, 0], soft


class Seen(Callback):
    """Keeps every batch as the criterion got it."""

    def __init__(self) -> None:
        super().__init__(order=12)
        self.batches: list[tuple[str, int, dict[str, torch.Tensor]]] = []

    def on_batch_end(self, runner) -> None:
        kept = {name: values.detach().clone() for name, values in runner.batch.items()}
        self.batches.append((runner.loader_key, runner.epoch_step, kept))


@pytest.fixture
def mixed(train):
    """What the criterion sees of a training with mixed batches, and the runner."""

    def run(**changes):
        seen = Seen()
        callback = MixCallback(of_points, CLASSES, seed=5, fold=1)
        runner = train(extra=[callback, seen], criteria={"ce": CrossEntropy()}, **changes)
        return seen.batches, runner

    return run


def test_two_persons_in_one_image_have_no_one_age() -> None:
    batch = {"features": torch.rand(3, 8), "targets": torch.arange(3), "years": torch.tensor([20.0, 40.0, 60.0])}
    assert mixed_batch(of_points, batch, CLASSES, (1, 1, 1, 1))["years"].isnan().all()
    assert batch["years"].tolist() == [20.0, 40.0, 60.0]


def test_training_batches_are_mixed_from_seed_fold_epoch_and_batch(mixed) -> None:
    batches, runner = mixed()
    points, number = runner.loaders["train"].dataset, {}
    for loader, epoch, batch in batches:
        if loader == "valid":
            assert batch["targets"].ndim == 1, "validation is never mixed"
            continue
        number[epoch] = number.get(epoch, 0) + 1
        index = batch["index"]
        hard = functional.one_hot(points.targets[index], CLASSES).float()
        expected = of_points(points.features[index], hard, np.random.default_rng([5, 1, epoch, number[epoch]]))
        torch.testing.assert_close(batch["features"], expected[0])
        torch.testing.assert_close(batch["targets"], expected[1])
    assert number == {1: 8, 2: 8, 3: 8}


def test_the_network_is_given_the_mixed_images_and_counts_are_of_the_largest_share(mixed) -> None:
    batches, runner = mixed(epochs=1)
    _, _, batch = batches[0]
    logits = batch["logits"]
    assert logits.shape == (8, CLASSES) and runner.history[0]["train_f1"] > 0
    decisions = torch.cat([b["logits"].argmax(1) == b["targets"].argmax(1) for key, _, b in batches if key == "train"])
    assert runner.history[0]["train_accuracy"] == pytest.approx(decisions.float().mean().item())


def test_mixing_goes_with_accumulation_and_class_weights(train) -> None:
    """Two windows of a batch each train as one window of two: means are put together by the targets' weights."""
    weighted = {"ce": CrossEntropy(class_weights=(0.2, 1.0, 3.0, 0.5))}

    class ByImage:
        """Mixes each image with a blank one of class 0, alike whatever batch it is in."""

        def __call__(self, features, targets, rng):
            blank = functional.one_hot(torch.zeros(len(targets), dtype=torch.int64), CLASSES)
            return features * 0.7, targets * 0.7 + blank * 0.3

    def weights(**sizes: int) -> torch.Tensor:
        callback = MixCallback(ByImage(), CLASSES, seed=0, fold=0)
        runner = train(extra=[callback], criteria=weighted, images=64, **sizes)
        return torch.cat([p.detach().flatten() for p in runner.model.parameters()])

    torch.testing.assert_close(weights(batch_size=8, accumulate=2), weights(batch_size=16), atol=1e-6, rtol=0)


def test_soft_targets_are_mixed_as_they_are() -> None:
    soft = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    batch = {"features": torch.zeros(2, 4, 4, 3), "targets": soft, "index": torch.arange(2)}
    mix = partial(lambda images, targets, rng: (images + 1, targets.flip(0)))
    result = mixed_batch(mix, batch, 2, (0, 0, 1, 1))
    assert torch.equal(result["targets"], soft.flip(0)) and (result["features"] == 1).all()
    assert torch.equal(result["index"], batch["index"]) and torch.equal(batch["targets"], soft)
