from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from catalyst.utils.misc import set_global_seed
from torch.optim import AdamW

from data.errors import DataError
from data.mixing import CutMix
from runners.compute import Compute
from runners.criteria import CrossEntropy
from runners.diagnostics.range_test import DIVERGED, RangeTest, diverged, range_test, running_mean
from runners.experiment import Experiment
from runners.first_fold import first_fold
from runners.fold import make_criteria
from runners.fold_loaders import make_loaders
from runners.fold_rows import Fold
from runners.models import timm_classifier
from runners.optimizers import make_optimizer
from runners.parameter_groups import parameter_groups

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
STILL = partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0)


@pytest.fixture
def fold(declare, competition: Path):
    def make(**changes: object) -> Fold:
        fields = {"model": STILL, "criterion": "ce", "accumulate": 1, "clip_norm": None} | changes
        return first_fold(declare(**fields), competition, CPU)

    return make


def plain_loop(fold: Fold, rates: np.ndarray) -> list[float]:
    """The same test as anybody would write it, one optimizer step a batch."""
    experiment: Experiment = fold.experiment
    torch.manual_seed(fold.seed)
    model = experiment.model(num_classes=fold.classes)
    optimizer = make_optimizer(experiment.optimizer, None, model)
    criterion, loader, losses = make_criteria(fold)["ce"], make_loaders(fold)["train"], []
    for epoch in (1, 2, 3):
        set_global_seed(fold.seed + epoch)
        loader.sampler.set_epoch(epoch)
        model.train()
        for batch in loader:
            if len(losses) == len(rates):
                return losses
            for group in optimizer.param_groups:
                group["lr"] = rates[len(losses)]
            loss = criterion(model(batch["features"]), batch["targets"])
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return losses


def test_rates_are_a_geometric_series_and_losses_those_of_a_plain_loop(fold) -> None:
    one = fold(optimizer=partial(AdamW, lr=1.0, weight_decay=1e-2))
    ticks: list[int] = []
    found = range_test(one, low=1e-6, high=1e-1, steps=14, tick=lambda: ticks.append(1))
    np.testing.assert_allclose(found.rates, [1e-6 * 10 ** (5 * k / 13) for k in range(14)], rtol=1e-12)
    assert found.losses.tolist() == plain_loop(one, found.rates), "to the last bit"
    assert (found.stated, found.diverged, len(ticks)) == (1.0, False, 14)


def test_groups_keep_their_ratios_and_steps_are_of_accumulated_batches(fold, monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[list[float]] = []
    step = AdamW.step

    def traced_step(self: AdamW, *arguments: object) -> None:
        traced.append([group["lr"] for group in self.param_groups])
        step(self, *arguments)

    monkeypatch.setattr(AdamW, "step", traced_step)
    one = fold(
        accumulate=4,  # six batches an epoch: windows of four and two
        parameters=partial(parameter_groups, layer_decay=0.5, decay_norms=True),
        optimizer=partial(AdamW, lr=2e-3, weight_decay=0.0),
    )
    found = range_test(one, low=1e-5, high=1e-3, steps=5)
    assert len(found.losses) == len(traced) == 5 and found.stated == 2e-3
    for rates, rate in zip(traced, found.rates, strict=True):
        np.testing.assert_allclose(rates, [rate * 0.5**below for below in range(len(rates))], rtol=1e-12)
    assert len(traced[0]) > 2


def test_a_window_of_batches_counts_by_its_images(fold) -> None:
    """Six batches, the last of two images, are one batch of all 42: at a rate that moves nothing."""
    still = {"model": partial(evaluated), "train_transform": fold().experiment.valid_transform}
    parts, whole = fold(accumulate=6, batch_size=8, **still), fold(accumulate=1, batch_size=42, **still)
    losses = [range_test(one, low=1e-12, high=2e-12, steps=2).losses for one in (parts, whole)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_images_are_mixed_as_in_the_run(fold) -> None:
    mix = partial(CutMix, alpha=1.0, probability=1.0, partners="other")
    mixed, plain = fold(mix=mix), fold()
    batch = next(iter(make_loaders(mixed)["train"]))  # of epoch 0: any batch has so many classes
    assert len(batch["targets"].unique()) > 1
    losses = [range_test(one, low=1e-12, high=2e-12, steps=3).losses for one in (mixed, plain)]
    assert (losses[0] != losses[1]).all()


def evaluated(*, num_classes: int) -> torch.nn.Module:
    """A network whose batch norm takes no part: an image's logits do not depend on its batch."""
    model = STILL(num_classes=num_classes)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
            module.train = lambda mode=True: None
    return model


def test_it_ends_where_the_loss_explodes(fold) -> None:
    one = fold(optimizer=partial(torch.optim.SGD, lr=1e-3), criteria={"ce": partial(CrossEntropy)})
    found = range_test(one, low=1e-3, high=1e6, steps=40)
    assert found.diverged and 5 < len(found.losses) < 40
    before = found.smooth[:-1]
    assert not np.isfinite(found.losses[-1]) or found.smooth[-1] > DIVERGED * found.smooth.min()
    assert (before <= DIVERGED * np.minimum.accumulate(before)).all(), "and not before"


def test_the_running_mean_is_free_of_bias_and_explosions_are_seen() -> None:
    losses = [3.0, 1.0, 2.0]
    weights = [0.98**2, 0.98, 1.0]
    assert running_mean(losses)[2] == pytest.approx(np.average(losses, weights=weights), rel=1e-12)
    np.testing.assert_allclose(running_mean([2.5] * 50), 2.5)
    assert not diverged([1.0, 2.0, 3.0]) and diverged([1.0, float("nan")]) and diverged([1.0, 1000.0])
    assert not diverged([-1.0, 5.0]), "of a loss below 0 nothing is a multiple"


@pytest.mark.parametrize(
    ("low", "high", "lr", "sentence"),
    [
        (1e-2, 1e-3, 1e-3, "go from 0.01 to 0.001"),
        (0.0, 1.0, 1e-3, "above 0"),
        (1e-4, 1e-2, 0.0, "states the learning rate 0"),
    ],
)
def test_what_can_not_be_varied_is_one_sentence(fold, low: float, high: float, lr: float, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        range_test(fold(optimizer=partial(AdamW, lr=lr)), low=low, high=high, steps=3)


def test_a_shorter_trace_is_a_divergence() -> None:
    rates = np.geomspace(1, 10, 4)
    assert RangeTest(rates, rates, rates, 5, 1.0).diverged and not RangeTest(rates, rates, rates, 4, 1.0).diverged
