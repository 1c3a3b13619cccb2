"""A few hundred numbers in the shape of images, trained by the real Catalyst runner in milliseconds."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from callbacks.criterion import CriterionCallback
from callbacks.f1 import F1Callback
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from data.loaders import make_loader
from data.samplers import SequentialSampler, ShuffledSampler
from runners.supervised import ClassificationRunner, make_engine

CLASSES = 4


class Points:
    """A data set of tensors with the interface of data.datasets.ImageDataset."""

    def __init__(self, images: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.features = torch.randn(images, 8, generator=generator)
        self.image_ids = [f"point {number}" for number in range(images)]
        self.targets = (self.features[:, :CLASSES] + torch.randn(images, CLASSES, generator=generator)).argmax(1)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitems__(self, keys: list[tuple[int, int]]) -> dict[str, torch.Tensor]:
        index = torch.tensor([position for _, position in keys])
        return {"features": self.features[index], "targets": self.targets[index], "index": index}


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, CLASSES))


@pytest.fixture
def train() -> Callable[..., ClassificationRunner]:
    """Trains a small network with our callbacks and `extra` ones; returns the runner."""

    def run(
        *,
        extra: Any = (),
        images: int = 60,
        batch_size: int = 8,
        accumulate: int = 1,
        clip_norm: float | None = None,
        epochs: int = 3,
        criteria: dict[str, nn.Module] | None = None,
        schedule: dict[int, Any] | None = None,
        optimizer: Callable[..., Any] = torch.optim.SGD,
        lr: float = 0.1,
        make_scheduler: Callable[..., Any] | None = None,
        model: nn.Module | None = None,
        shuffled: bool = True,
    ) -> ClassificationRunner:
        model = model or small_network()
        criteria = criteria or {"ce": nn.CrossEntropyLoss()}
        chosen = schedule or {1: next(iter(criteria))}
        steps = optimizer(model.parameters(), lr=lr)
        points = Points(images, seed=1)
        sampler = ShuffledSampler(images, seed=7, fold=0) if shuffled else SequentialSampler(images)
        runner = ClassificationRunner()
        runner.train(
            loaders={
                "train": make_loader(points, sampler, batch_size=batch_size, workers=0),
                "valid": make_loader(Points(20, seed=2), SequentialSampler(20), batch_size=batch_size, workers=0),
            },
            model=model,
            engine=make_engine("cpu"),
            criterion=criteria,
            optimizer=steps,
            scheduler=make_scheduler(steps) if make_scheduler else None,
            callbacks=[
                CriterionCallback(
                    {first: parts if isinstance(parts, dict) else {parts: 1.0} for first, parts in chosen.items()}
                ),
                F1Callback(CLASSES),
                BackwardCallback(accumulate, batch_size),
                OptimizerCallback(accumulate, batch_size, clip_norm),
                *extra,
            ],
            num_epochs=epochs,
            seed=11,
        )
        return runner

    return run


@pytest.fixture
def make_network() -> Callable[[], nn.Module]:
    """The small network as every training starts with it."""
    return small_network


@pytest.fixture
def plain_loop() -> Callable[..., tuple[torch.Tensor, list[float]]]:
    """The same training without Catalyst: final weights, and the learning rate at every optimizer step."""

    def run(
        *,
        images: int = 60,
        batch_size: int = 8,
        epochs: int,
        lr: float = 0.1,
        make_scheduler: Callable[..., Any] | None = None,
        every: str = "epoch",
    ) -> tuple[torch.Tensor, list[float]]:
        model, points, trace = small_network(), Points(images, seed=1), []
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        scheduler = make_scheduler(optimizer) if make_scheduler else None
        sampler = ShuffledSampler(images, seed=7, fold=0)
        for epoch in range(1, epochs + 1):
            sampler.set_epoch(epoch)
            keys = list(sampler)
            for start in range(0, images, batch_size):
                batch = points.__getitems__(keys[start : start + batch_size])
                loss = nn.functional.cross_entropy(model(batch["features"]), batch["targets"])
                loss.backward()
                trace.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                optimizer.zero_grad()
                if scheduler and every == "step":
                    scheduler.step()
            if scheduler and every == "epoch":
                scheduler.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()]), trace

    return run
