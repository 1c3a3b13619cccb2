import signal
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from callbacks.monitor import Monitor
from data.errors import DataError
from runners.activations import softmax
from runners.features import features
from runners.inference import CPU_IMAGES, predict
from runners.models import timm_classifier
from runners.soup import make_soup
from runners.stop import Stop, Terminated, listening
from runners.views import crop, hflip, identity, scaled


class Images:
    def __init__(self, images: torch.Tensor) -> None:
        self.images, self.image_ids = images, [f"i{number}" for number in range(len(images))]

    def __len__(self) -> int:
        return len(self.images)


def silent() -> None:
    """No progress is shown."""


class Loader:
    """Batches whose images come in another order than the table's."""

    def __init__(self, images: torch.Tensor, order: list[int], batch_size: int) -> None:
        self.dataset, self.order, self.batch_size = Images(images), order, batch_size
        self.read, self.sampler = 0, SimpleNamespace(set_epoch=lambda epoch: None)

    def __iter__(self):
        self.read += 1
        for start in range(0, len(self.order), self.batch_size):
            index = torch.tensor(self.order[start : start + self.batch_size])
            yield {"features": self.dataset.images[index], "index": index}


class LeftHalf(nn.Module):
    """Logits from the left half of the image: a mirrored view gives others."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.float()[:, :, : images.shape[2] // 2].mean((1, 2))


def test_probabilities_are_the_mean_of_the_views_in_the_tables_order() -> None:
    images = torch.randint(0, 256, (7, 4, 6, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    model = LeftHalf()
    expected = (model(images).softmax(1) + model(images.flip(2)).softmax(1)) / 2
    shuffled = Loader(images, [3, 1, 6, 0, 2, 5, 4], batch_size=3)
    np.testing.assert_allclose(
        predict([model], shuffled, (identity, hflip), softmax, "cpu", silent)[0], expected.numpy(), atol=1e-6
    )
    alone = predict([model], shuffled, (identity,), softmax, "cpu", silent)[0]
    assert alone.dtype == np.float32 and not np.allclose(alone, expected)


def test_the_model_is_in_evaluation_mode() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.9))
    images = torch.ones(2, 1, 100, 3)  # dropped at random, its 300 logits would not stay equal
    np.testing.assert_allclose(
        predict([model.train()], Loader(images, [0, 1], 2), (identity,), softmax, "cpu", silent), 1 / 300, atol=1e-6
    )


def test_every_batch_is_told() -> None:
    ticks = []
    predict(
        [LeftHalf()],
        Loader(torch.ones(7, 4, 6, 3), list(range(7)), 3),
        (identity,),
        softmax,
        "cpu",
        lambda: ticks.append(1),
    )
    assert len(ticks) == 3


class Signalled(Loader):
    """Gets a SIGTERM while its second batch is read."""

    def __iter__(self):
        for number, batch in enumerate(super().__iter__()):
            if number == 1:
                signal.raise_signal(signal.SIGTERM)
            yield batch


def probabilities_of(loader: Loader, tick: Callable[[], None]) -> None:
    predict([LeftHalf()], loader, (identity,), softmax, "cpu", tick)


def features_of(loader: Loader, tick: Callable[[], None]) -> None:
    network = timm_classifier(num_classes=18, backbone="test_resnet", pretrained=None, drop_rate=0.0)
    features(network, loader, (identity,), "cpu", tick)


def statistics_of(loader: Loader, tick: Callable[[], None]) -> None:
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3072))
    network.register_forward_hook(lambda *_: tick())
    loader.dataset.images = loader.dataset.images.float()
    kept = {1: network.state_dict(), 2: network.state_dict()}
    make_soup(kept, network, loader, lambda model: 0.5, Monitor("f1", "max"), "cpu", seed=3)


@pytest.mark.parametrize("read", [probabilities_of, features_of, statistics_of])
def test_a_stop_comes_after_the_batch_and_not_in_the_loader(
    read: Callable[[Loader, Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, ticks = torch.ones(9, 32, 32, 3, dtype=torch.uint8), list[int]()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    monkeypatch.setattr("sys.unraisablehook", sys.unraisablehook)  # a process that was asked to stop keeps the stop's
    try:
        with pytest.raises(Terminated), listening(Stop(), signal.SIGTERM):
            read(Signalled(images, list(range(9)), 3), partial(ticks.append, 1))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert len(ticks) == 2


def test_probabilities_that_are_no_numbers_are_refused() -> None:
    images = torch.ones(4, 2, 2, 3)
    images[2] = float("nan")
    with pytest.raises(DataError, match="1 of 4 images, the first 'i2', got probabilities that are not finite"):
        predict([LeftHalf()], Loader(images, [3, 2, 1, 0], 3), (identity,), softmax, "cpu", silent)


def test_logits_become_probabilities_by_the_activation_that_is_declared() -> None:
    from runners.activations import one_vs_rest

    images = torch.randint(0, 256, (4, 4, 6, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)) // 64
    binary = predict([LeftHalf()], Loader(images, [0, 1, 2, 3], 2), (identity,), one_vs_rest, "cpu", silent)[0]
    sigmoid = LeftHalf()(images).sigmoid()
    np.testing.assert_allclose(binary, (sigmoid / sigmoid.sum(1, keepdim=True)).numpy(), atol=1e-6)
    assert not np.allclose(binary, LeftHalf()(images).softmax(1), atol=1e-3)


def networks(count: int, seed: int) -> list[nn.Module]:
    """Small networks whose batch norms have seen something."""
    torch.manual_seed(seed)
    declared = partial(timm_classifier, num_classes=5, backbone="test_resnet", pretrained=None, drop_rate=0.2)
    made = [declared() for _ in range(count)]
    for network in made:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
    return made


def test_all_networks_and_views_look_at_each_batch_in_one_pass() -> None:
    images = torch.randint(0, 256, (7, 32, 24, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    views = (identity, partial(crop, share=0.5, top=0.0, left=0.0), hflip, partial(scaled, factor=1.5))
    models, loader = networks(3, 1), Loader(images, [3, 1, 6, 0, 2, 5, 4], 3)
    found = predict(models, loader, views, softmax, "cpu", silent)
    assert found.shape == (3, 7, 5) and found.dtype == np.float32 and loader.read == 1
    for model, of_model in zip(models, found, strict=True):
        with torch.no_grad():
            expected = torch.stack([model.eval()(view(images)).softmax(1) for view in views]).mean(0)
        np.testing.assert_allclose(of_model, expected, atol=1e-6)
        alone = predict([model], loader, views, softmax, "cpu", silent)[0]
        assert of_model.tobytes() == alone.tobytes(), "a network's numbers do not depend on the others"


def test_views_of_one_size_share_forward_passes_that_are_not_too_long() -> None:
    passes = []

    def network(images: torch.Tensor) -> torch.Tensor:
        """Any function of images is a network."""
        passes.append(len(images))
        return images.float().mean((1, 2))

    few, many = torch.ones(5, 4, 4, 3, dtype=torch.uint8), torch.ones(20, 4, 4, 3, dtype=torch.uint8)
    predict([network], Loader(few, list(range(5)), 5), (identity, hflip), softmax, "cpu", silent)
    assert passes == [10]
    passes.clear()
    predict([network], Loader(many, list(range(20)), 20), (identity, hflip), softmax, "cpu", silent)
    assert passes == [CPU_IMAGES, 40 - CPU_IMAGES]
    passes.clear()
    smaller = partial(scaled, factor=0.5)
    predict([network], Loader(few, list(range(5)), 5), (identity, hflip, smaller), softmax, "cpu", silent)
    assert passes == [10, 5]
