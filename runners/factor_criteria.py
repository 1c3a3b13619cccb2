"""Losses on some of the factors that a class is made of: mask state, gender and age bucket."""

from collections.abc import Sequence

import torch
from torch import nn

from data.labels import CLASS_NAMES, FACTORS
from runners.criteria import soft_targets


class FactorCrossEntropy(nn.Module):
    """Cross entropy of some factors, ("mask", "gender"), from logits of the mask competition's 18 classes.

    The probability of "worn, male" is that of its classes of all ages together, and so is a soft target. On a model
    whose logits are sums over factors (runners.factor_models) the loss of one factor is that of its head alone.
    Raises ValueError for an unknown factor and for logits of other classes.
    """

    def __init__(self, *, factors: Sequence[str]) -> None:
        super().__init__()
        unknown = [name for name in factors if name not in FACTORS]
        if unknown or not factors or len(set(factors)) < len(factors):
            raise ValueError(f"factors is {tuple(factors)}: one or more of {', '.join(FACTORS)} would be right")
        self.others = tuple(axis for axis, name in enumerate(FACTORS, start=1) if name not in factors)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (B, 18), targets (B,) or (B, 18) -> scalar."""
        if logits.shape[1] != len(CLASS_NAMES):
            raise ValueError(
                f"factors are those of the mask competition's 18 classes; the logits are of {logits.shape[1]}"
            )
        log_p, q = logits.log_softmax(1), soft_targets(targets, logits.shape[1])
        if self.others:
            log_p = self._by_factor(log_p).logsumexp(self.others)
            q = self._by_factor(q).sum(self.others)
        return -(log_p * q).flatten(1).sum(1).mean()

    @staticmethod
    def _by_factor(values: torch.Tensor) -> torch.Tensor:
        """(B, 18) -> (B, 3, 2, 3)"""
        return values.view(-1, *(len(names) for names in FACTORS.values()))
