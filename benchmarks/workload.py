"""The work that is the same for all: images, network, size, batch, optimizer, and what one epoch of it came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from benchmarks.rounds import Cost
from data.metadata import ImageData
from runners.models import ImageClassifier, timm_classifier

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, albumentations' and timm's default
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-2
FLIP = 0.5  # probability of a mirror image, the only augmentation: all of these libraries have it


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to; the cost is that of training, from the first image asked for to the last step and F1."""

    cost: Cost
    loss: float  # mean over the images trained on
    f1: float  # macro, over the images trained on
    valid_f1: float  # macro, over the images validated with
    saving: Cost = field(default_factory=Cost)  # of this project's state on disk, which the others don't keep


@dataclass(frozen=True)
class Network:
    """A network by name, for images of size (H, W)."""

    name: str
    size: tuple[int, int]
    make: "partial[ImageClassifier]"  # takes num_classes


@dataclass(frozen=True)
class Workload:
    """Rows of a data set to train on and to validate with, and how."""

    data: ImageData  # only its train table is used
    train_rows: Sequence[int]  # a multiple of batch_size: timm leaves out a last batch that is not full
    valid_rows: Sequence[int]
    network: Network
    batch_size: int
    folder: Path  # for whatever a contestant writes

    @property
    def root(self) -> Path:
        """Folder that the tables' paths are relative to."""
        return self.data.root

    @cached_property
    def train(self) -> pd.DataFrame:
        """Rows to train on: path, target ..."""
        return self.data.train.iloc[list(self.train_rows)]

    @cached_property
    def valid(self) -> pd.DataFrame:
        """Rows to validate with."""
        return self.data.train.iloc[list(self.valid_rows)]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.data.class_names)

    def make_network(self) -> nn.Module:
        """The network as a competitor has it: (B, 3, H, W) normalised floats in, (B, C) logits out, contiguous."""
        torch.manual_seed(0)
        backbone: nn.Module = self.network.make(num_classes=self.classes).backbone
        return backbone.to(memory_format=torch.contiguous_format)


Train = Callable[[Workload, int, int], list[Epoch]]  # (work, worker processes of a loader, epochs)


def tiny_classifier(*, num_classes: int) -> ImageClassifier:
    """A network so small (a quarter of a millisecond an image of 64x64 on one core) that the data path is everything.

    It stands for a large network on a fast GPU.
    """
    channels = (3, 8, 16, 32)
    layers: list[nn.Module] = []
    for taken, given in zip(channels[:-1], channels[1:], strict=True):
        layers += [nn.Conv2d(taken, given, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(given), nn.ReLU()]
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], num_classes))
    return ImageClassifier(nn.Sequential(*layers, *head), MEAN, STD)


NETWORKS = {
    network.name: network
    for network in (
        Network("tiny", (64, 64), partial(tiny_classifier)),
        Network(
            "mobilenetv3_small_050",
            (128, 128),
            partial(timm_classifier, backbone="mobilenetv3_small_050", pretrained=None, drop_rate=0.0),
        ),
        Network(
            "resnet18", (128, 128), partial(timm_classifier, backbone="resnet18", pretrained=None, drop_rate=0.0)
        ),
    )
}


def first_images(data: ImageData, network: Network, images: int, batch_size: int, folder: Path) -> Workload:
    """A workload of a data set's first images: `images` to train on, a batch to validate with."""
    rows = np.arange(images + batch_size).tolist()
    return Workload(data, rows[:images], rows[images:], network, batch_size, folder)


def optimizer_settings() -> dict[str, Any]:
    """What every AdamW is given."""
    return {"lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
