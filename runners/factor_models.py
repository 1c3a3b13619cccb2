"""A class that is a combination of factors, predicted factor by factor: mask state x gender x age bucket.

Each factor has a head of its own; the class's log-probability is the sum of its factors'. Cross entropy on the joint
classes then is the sum of the factors' cross entropies, so every criterion, metric and inference path stays as it is.
"""

import math
from collections.abc import Sequence

import torch
from torch import nn

from runners.models import ImageClassifier, timm_classifier


class FactorOutput(nn.Module):
    """What a head of all factors puts out, as classes: (B, sum of factors) -> (B, C) joint log-probabilities."""

    def __init__(self, factors: Sequence[int]) -> None:
        super().__init__()
        self.factors = tuple(factors)

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Joint log-probabilities of a batch."""
        return joint_log_probabilities(logits.split(self.factors, 1))


class FactorNetworks(nn.Module):
    """A network for each factor: (B, H, W, 3) images -> (B, C) joint log-probabilities."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Joint log-probabilities of a batch."""
        return joint_log_probabilities([network(images) for network in self.networks])


def joint_log_probabilities(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Logits of each factor, (B, K1), (B, K2) ... -> (B, K1 * K2 * ...) in the order of class = (k1 * K2 + k2) * ..."""
    joint = logits[0].log_softmax(1)
    for one in logits[1:]:
        joint = (joint[:, :, None] + one.log_softmax(1)[:, None, :]).flatten(1)  # (B, so far, K) -> (B, so far * K)
    return joint


def factor_heads(
    *, num_classes: int, factors: tuple[int, ...], backbone: str, pretrained: str | None, drop_rate: float
) -> ImageClassifier:
    """A timm backbone with one head of sum(factors) logits; the other arguments as of `timm_classifier`.

    factors: numbers of values, whose product is `num_classes`; (3, 2, 3) for mask state, gender and age bucket.
    """
    _check(num_classes, factors)
    network = timm_classifier(num_classes=sum(factors), backbone=backbone, pretrained=pretrained, drop_rate=drop_rate)
    network.output = FactorOutput(factors)
    return network


def factor_networks(
    *, num_classes: int, factors: tuple[int, ...], backbone: str, pretrained: str | None, drop_rate: float
) -> FactorNetworks:
    """A network of its own for each factor, trained side by side; arguments as of `factor_heads`.

    With a criterion that is a sum over factors (cross entropy) no gradient of one reaches another.
    """
    _check(num_classes, factors)
    return FactorNetworks(
        [
            timm_classifier(num_classes=values, backbone=backbone, pretrained=pretrained, drop_rate=drop_rate)
            for values in factors
        ]
    )


def _check(num_classes: int, factors: tuple[int, ...]) -> None:
    if math.prod(factors) != num_classes:
        raise ValueError(f"factors {factors} make {math.prod(factors)} classes; the data has {num_classes}")
