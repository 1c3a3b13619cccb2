"""One binary classifier for each class: "this class or any other", C questions instead of one of C answers."""

import torch
from torch import nn
from torch.nn import functional

from runners.activations import one_vs_rest
from runners.criteria import ClassWeights, resolve_weights, soft_targets


class OneVsRest(nn.Module):
    """Sum over classes of the binary cross entropy of each class's own logit, mean over the batch.

    A logit says nothing about the other classes: the gradient of one classifier does not depend on the others. They
    share the backbone and meet again at inference, where `activation` makes one distribution of them. Soft targets are
    each classifier's own probability.

    positive_weights: what an image of the class counts in its classifier, where all others count 1: numbers (C,), a
    function of the training fold's counts such as :func:`negatives_per_positive`, or None.
    """

    activation = staticmethod(one_vs_rest)
    weights: torch.Tensor | None

    def __init__(self, *, positive_weights: ClassWeights = None, class_counts: torch.Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weights", resolve_weights(positive_weights, class_counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), targets (B,) or (B, C) -> scalar."""
        wanted = soft_targets(targets, logits.shape[1]).to(logits.dtype)  # (B, C)
        losses = functional.binary_cross_entropy_with_logits(logits, wanted, pos_weight=self.weights, reduction="none")
        return losses.sum(1).mean()


def negatives_per_positive(class_counts: torch.Tensor) -> torch.Tensor:
    """Positive weights (C,) that give a class's images as much weight as all others together; 1 for a class without."""
    counts = class_counts.double()
    return torch.where(counts > 0, (counts.sum() - counts) / counts.clamp(min=1), 1.0).float()
