"""Losses on logits, all through one interface: hard targets (B,) or soft targets (B, C), mean over the batch.

A hard target is the soft target with all its weight on one class; each loss is defined on soft targets and equals its
textbook form on hard ones. One that is weighted by class says in `batch_weight(targets)` what its mean is divided by.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

ClassWeights = Sequence[float] | Callable[[torch.Tensor], torch.Tensor] | None


def soft_targets(targets: torch.Tensor, classes: int) -> torch.Tensor:
    """Targets as probabilities (B, C): hard ones (B,) become one-hot, soft ones stay."""
    return targets if targets.ndim == 2 else functional.one_hot(targets, classes).float()


def inverse_frequency(class_counts: torch.Tensor) -> torch.Tensor:
    """Weights (C,) inverse to the classes' counts, 1 on average over images.

    A class without images weighs 1: it is met in validation only, where it counts like an average image.
    """
    counts = class_counts.double()
    return torch.where(counts > 0, counts.sum() / (counts > 0).sum() / counts.clamp(min=1), 1.0).float()


def effective_number(class_counts: torch.Tensor, *, beta: float) -> torch.Tensor:
    """Weights (C,) inverse to the effective numbers of images (1 - beta ** n) / (1 - beta) (Cui et al. 2019).

    beta 0 weighs all classes alike; towards 1 it is the inverse frequency. The weights of the classes with images sum
    to their number, as in the paper; a class without images weighs 1. ValueError for a beta outside [0, 1).
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta is {beta}: a number from 0 to below 1, such as 0.999, would be right")
    counts = class_counts.double()
    effective = (1 - beta**counts) / (1 - beta)  # (C,)
    inverse = torch.where(counts > 0, 1 / effective.clamp(min=1), 0.0)
    return torch.where(counts > 0, inverse / inverse.sum() * (counts > 0).sum(), 1.0).float()


class CrossEntropy(nn.Module):
    """Cross entropy with `class_weights`: numbers (C,), a function of the training fold's counts, or None.

    Weighted, it is divided by the sum of the targets' weights, as torch does for hard targets.
    """

    weights: torch.Tensor | None

    def __init__(self, *, class_weights: ClassWeights = None, class_counts: torch.Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weights", resolve_weights(class_weights, class_counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), targets (B,) or (B, C) -> scalar."""
        if self.weights is None and targets.ndim == 1:
            return functional.cross_entropy(logits, targets)  # one kernel there and one back
        return weighted_mean(-logits.log_softmax(1), targets, self.weights)

    def batch_weight(self, targets: torch.Tensor) -> torch.Tensor | float:
        """What the mean over targets (B,) or (B, C) is divided by."""
        return weight_sum(targets, self.weights)


class LabelSmoothing(nn.Module):
    """Cross entropy on targets that keep 1 - smoothing and spread the rest over all classes (Szegedy et al. 2016)."""

    def __init__(self, *, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), targets (B,) or (B, C) -> scalar."""
        classes = logits.shape[1]
        smooth = soft_targets(targets, classes) * (1 - self.smoothing) + self.smoothing / classes  # (B, C)
        return weighted_mean(-logits.log_softmax(1), smooth, None)


class FocalLoss(nn.Module):
    """Softmax focal loss (Lin et al. 2017): cross entropy scaled by (1 - p) ** gamma, so that easy images count less.

    gamma 0 is cross entropy. Soft targets take each class's focal term by its share.
    """

    weights: torch.Tensor | None

    def __init__(
        self, *, gamma: float, class_weights: ClassWeights = None, class_counts: torch.Tensor | None = None
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("weights", resolve_weights(class_weights, class_counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), targets (B,) or (B, C) -> scalar."""
        log_p = logits.log_softmax(1)  # (B, C)
        # 1 - p through expm1: exact where p is near 1, and never a negative base whose gradient would be NaN
        focal = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny) ** self.gamma
        return weighted_mean(-focal * log_p, targets, self.weights)

    def batch_weight(self, targets: torch.Tensor) -> torch.Tensor | float:
        """What the mean over targets (B,) or (B, C) is divided by."""
        return weight_sum(targets, self.weights)


class SymmetricCrossEntropy(nn.Module):
    """alpha * cross entropy + beta * reverse cross entropy, which wrong labels pull at less (Wang et al. 2019).

    The reverse one is -sum p log q with prediction p and target q, where the logarithm of a share that is 0, or less
    than e ** log_zero, is taken as `log_zero` (A in the paper, which takes -4); ValueError where that is not below 0.
    """

    def __init__(self, *, alpha: float, beta: float, log_zero: float) -> None:
        super().__init__()
        if not log_zero < 0:
            raise ValueError(f"log_zero is {log_zero}: a number below 0, such as -4, would be right")
        self.alpha, self.beta, self.log_zero = alpha, beta, log_zero

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), targets (B,) or (B, C) -> scalar."""
        log_p, q = logits.log_softmax(1), soft_targets(targets, logits.shape[1])  # (B, C)
        log_q = q.clamp(min=math.exp(self.log_zero)).log()
        return -(self.alpha * log_p * q + self.beta * log_p.exp() * log_q).sum(1).mean()


class SoftF1(nn.Module):
    """1 - macro F1 with probabilities in place of decisions, over the classes among the batch's targets.

    Counts are sums of probabilities: tp = sum p * y, and F1 = 2 tp / (sum p + sum y) (Benedict et al. 2021, sigmoidF1,
    with softmax, without the extra slope). It is a function of the whole batch: a small one estimates it badly.
    """

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), targets (B,) or (B, C) -> scalar."""
        p, y = logits.softmax(1), soft_targets(targets, logits.shape[1])  # (B, C)
        present = y.sum(0) > 0  # (C,)
        f1 = 2 * (p * y).sum(0) / (p.sum(0) + y.sum(0))
        return 1 - f1[present].mean()


def resolve_weights(class_weights: ClassWeights, class_counts: torch.Tensor | None) -> torch.Tensor | None:
    """Weights (C,) as a tensor; ValueError where a function of the counts is asked for and there are none."""
    if class_weights is None:
        return None
    if not callable(class_weights):
        return torch.tensor(class_weights, dtype=torch.float32)
    if class_counts is None:
        raise ValueError("class_weights is a function of the training fold's class counts, which were not given")
    return class_weights(class_counts)


def weighted_mean(terms: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """Terms (B, C) at the targets (B,) or (B, C), averaged over the batch; with weights (C,), a weighted average."""
    if weights is None:
        # of a hard target's C terms one counts: the same bits as the sum of all
        hard = targets.ndim == 1
        return (terms.gather(1, targets[:, None])[:, 0] if hard else (terms * targets).sum(1)).mean()
    weighted = soft_targets(targets, terms.shape[1]) * weights  # (B, C)
    return (terms * weighted).sum() / weighted.sum().clamp(min=torch.finfo(weighted.dtype).tiny)


def weight_sum(targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor | float:
    """What `weighted_mean` divides by: the images, or the sum of their targets' weights."""
    if weights is None:
        return float(len(targets))
    return (soft_targets(targets, len(weights)) * weights).sum()
