"""Losses that ask for a margin: each class's logit must beat the others by more than nothing.

Both work on scaled cosines, as runners.cosine_head makes them: `logit_scale` is the model's, given by the runner. The
margin is in the loss alone, so that the model answers with plain logits in training, validation and inference alike.
Hard targets (B,) and soft ones (B, C) go through one form: the class's term, weighted by its share.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from runners.criteria import ClassWeights, resolve_weights, weight_sum, weighted_mean


def ldam_margins(class_counts: torch.Tensor, max_margin: float) -> torch.Tensor:
    """Margins (C,) proportional to n ** -1/4 (Cao et al. 2019, section 3.2), the rarest class's being `max_margin`.

    A class without images gets `max_margin` too: it is met in validation only.
    """
    counts = class_counts.double()
    present = counts > 0
    margins = counts.clamp(min=1) ** -0.25  # (C,)
    return torch.where(present, margins / margins[present].max(), 1.0).float() * max_margin


class LDAM(nn.Module):
    """Label-distribution-aware margins on cosines: the rarer a class, the larger its margin (Cao et al. 2019).

    For the paper's deferred re-weighting declare it twice, the second time with `class_weights`, and switch by epoch:
    ``criterion={1: "ldam", 10: "ldam_weighted"}``. Weighted, it is divided by the sum of the targets' weights.
    """

    weights: torch.Tensor | None
    margins: torch.Tensor

    def __init__(
        self,
        *,
        max_margin: float,
        class_counts: torch.Tensor,
        logit_scale: float,
        class_weights: ClassWeights = None,
    ) -> None:
        super().__init__()
        self.logit_scale = logit_scale
        self.register_buffer("margins", ldam_margins(class_counts, max_margin))
        self.register_buffer("weights", resolve_weights(class_weights, class_counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), scaled cosines; targets (B,) or (B, C) -> scalar."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        terms = cross_entropy_terms(logits, logits - self.logit_scale * self.margins)  # (B, C)
        return weighted_mean(terms, targets, self.weights)

    def batch_weight(self, targets: torch.Tensor) -> torch.Tensor | float:
        """What the mean over targets (B,) or (B, C) is divided by."""
        return weight_sum(targets, self.weights)


class ArcFace(nn.Module):
    """Additive angular margin: the target's angle is enlarged by `margin` radians (Deng et al. 2019).

    Where the enlarged angle would pass pi, and its cosine rise again, the target's cosine is lowered by
    margin * sin(margin) instead, as the authors' code does. ValueError for a margin outside [0, pi / 2].
    """

    def __init__(self, *, margin: float, logit_scale: float) -> None:
        super().__init__()
        if not 0 <= margin <= math.pi / 2:
            raise ValueError(f"margin is {margin}: radians from 0 to pi / 2, such as 0.5, would be right")
        self.margin, self.logit_scale = margin, logit_scale

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, C), scaled cosines; targets (B,) or (B, C) -> scalar."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        cosine = logits / self.logit_scale  # (B, C)
        sine = (1 - cosine**2).clamp(min=1e-12).sqrt()  # away from 0, where the root's slope is infinite
        enlarged = cosine * math.cos(self.margin) - sine * math.sin(self.margin)  # cos(angle + margin)
        lowered = cosine - self.margin * math.sin(self.margin)
        shifted = torch.where(cosine > -math.cos(self.margin), enlarged, lowered)
        terms = cross_entropy_terms(logits, self.logit_scale * shifted)
        return weighted_mean(terms, targets, None)


def cross_entropy_terms(logits: torch.Tensor, shifted: torch.Tensor) -> torch.Tensor:
    """-log softmax (B, C) of each class with its own logit replaced by the shifted one, the others' as they are.

    It is softplus(logsumexp of the others - shifted). The others' sum is 1 - p of the whole, which is inaccurate only
    for the largest logit: that one is summed without it.
    """
    top = logits.argmax(1, keepdim=True)  # (B, 1)
    beside_top = logits.scatter(1, top, -math.inf).logsumexp(1, keepdim=True)  # (B, 1)
    p = logits.softmax(1).clamp(max=0.5)  # (B, C); only the largest can be above
    others = logits.logsumexp(1, keepdim=True) + torch.log1p(-p)
    return functional.softplus(others.scatter(1, top, beside_top) - shifted)
