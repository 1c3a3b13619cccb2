"""How a network's logits become probabilities: what its criterion trained them for."""

import torch
from torch.nn import functional


def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities (B, C) of logits (B, C) that compete for each image."""
    return logits.float().softmax(1)


def one_vs_rest(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities (B, C) of C binary classifiers, each one's sigmoid as a share of their sum.

    As scikit-learn's OneVsRestClassifier combines them. The share is the softmax of the sigmoids' logarithms, which
    has no division by zero where every classifier says no.
    """
    return functional.logsigmoid(logits.float()).softmax(1)
