"""The soup of a fold's best epochs: one network whose weights are a mean of theirs, where validation agrees."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from callbacks.average import Weights, recompute_statistics
from callbacks.monitor import Monitor
from runners.stop import BATCH_SECONDS, current_stop

Score = Callable[[Weights, bool], float]


def greedy_soup(kept: Mapping[int, Weights], score: Score, monitor: Monitor) -> tuple[list[int], list[float]]:
    """Epochs in the soup of `kept` (best epoch first), and its score after each of them (Wortsman et al. 2022).

    `score(weights, mixed)` is the validation score; `mixed` says that the weights are a mean of several epochs'. An
    epoch stays out where the soup is worse with it, or has no finite score.
    """
    (first, weights), *others = kept.items()
    chosen, scores = [first], [score(weights, False)]
    for epoch, _ in others:
        value = score(mean_weights([kept[one] for one in [*chosen, epoch]]), True)
        if value == scores[-1] or monitor.better(value, scores[-1]):  # NaN is neither
            chosen.append(epoch)
            scores.append(value)
    return chosen, scores


def mean_weights(members: list[Weights]) -> Weights:
    """The mean of several weights, in float64 before it is rounded; whole numbers are the first one's."""
    return {
        name: torch.stack([one[name].double() for one in members]).mean(0).to(first.dtype)
        if first.is_floating_point()
        else first.clone()
        for name, first in members[0].items()
    }


def make_soup(
    kept: Mapping[int, Weights],
    model: nn.Module,
    train_loader: Any,
    score: Callable[[nn.Module], float],
    monitor: Monitor,
    device: str,
    seed: int,
) -> tuple[list[int], list[float]]:
    """Leave the soup's weights in `model`; returns its epochs and its score after each, as :func:`greedy_soup`.

    The statistics of batch norm are taken anew from the training images, for the soup as for each trial of it, in the
    order and with the augmentation of the best epoch; `seed` is dropout's.
    """
    train_loader.sampler.set_epoch(next(iter(kept)))

    def fill(weights: Weights, mixed: bool) -> None:
        model.load_state_dict(weights)
        if mixed:
            torch.manual_seed(seed)
            with current_stop().awaited(BATCH_SECONDS) as stop:
                recompute_statistics(model.to(device), train_loader, device, stop.heed_if_asked)

    def validation_score(weights: Weights, mixed: bool) -> float:
        fill(weights, mixed)
        return score(model)

    chosen, scores = greedy_soup(kept, validation_score, monitor)
    fill(mean_weights([kept[epoch] for epoch in chosen]), mixed=len(chosen) > 1)
    return chosen, scores
