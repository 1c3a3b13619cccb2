"""The least that a declared loss can become, and what guessing costs: 0 is out of reach for smoothed targets."""

import math
from collections.abc import Callable

import torch
from torch import nn

from callbacks.criterion import target_key
from data.datasets import Batch
from runners.diagnostics.model_summary import without_weights
from runners.experiment import Experiment, build
from runners.factor_models import FactorNetworks, joint_log_probabilities
from runners.fold import make_criteria
from runners.fold_rows import Fold

STEPS = 400  # of descent
RATE = 0.1  # of Adam on logits: a step moves each by about as much


def loss_floor(fold: Fold, batch: Batch) -> tuple[float, float]:
    """(least, guess) of the criterion of epoch 1 on a batch.

    The guess is the loss of a head whose numbers are all 0. From there the least is found by descending on these
    numbers themselves, image by image, as if a body could make the head say anything: for smoothed targets it comes to
    their entropy, for most losses to 0. Cosines are held to their scale, and factors to what they can combine.
    """
    criteria, parts = make_criteria(fold), fold.experiment.criterion_schedule[1]
    width, logits_of = _head(fold.experiment, fold.classes)
    free = torch.zeros(len(batch["targets"]), width, requires_grad=True)  # (B, width)
    optimizer = torch.optim.Adam([free], lr=RATE)
    losses = list[float]()
    for _ in range(STEPS):
        logits = logits_of(free)  # (B, C)
        terms = [share * criteria[name](logits, batch[target_key(criteria[name])]) for name, share in parts.items()]
        loss = torch.stack(terms).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return min(loss if math.isfinite(loss) else math.inf for loss in losses), losses[0]


def _head(experiment: Experiment, classes: int) -> tuple[int, Callable[[torch.Tensor], torch.Tensor]]:
    """How many numbers an image gets from the declared network's last layer, and the logits (B, C) made of them."""
    model: nn.Module = build("model", without_weights(experiment.model), num_classes=classes)
    if isinstance(model, FactorNetworks):
        widths = [_width(network, classes) for network in model.networks]
        return sum(widths), lambda free: joint_log_probabilities(free.split(widths, 1))
    if "logit_scale" in experiment.model.keywords:
        scale = float(experiment.model.keywords["logit_scale"])
        return classes, lambda free: scale * torch.tanh(free / scale)
    output = getattr(model, "output", None) or nn.Identity()
    return _width(model, classes), output


def _width(network: nn.Module, classes: int) -> int:
    return int(getattr(getattr(network, "backbone", None), "num_classes", classes))
