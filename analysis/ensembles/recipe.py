"""How members' probabilities become answers: a method, what it learnt, and corrections of the blend."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.blends import (
    Floats,
    Weights,
    equal_weights,
    geometric_blend,
    log_probabilities,
    mean_blend,
    rank_blend,
    vote_blend,
)
from analysis.ensembles.class_bias import class_bias
from analysis.ensembles.greedy import greedy_selection
from analysis.ensembles.prior_correction import prior_offsets
from analysis.ensembles.simplex import simplex_weights
from analysis.ensembles.stacking import Stacking, learn_stacking
from analysis.matching.label_shift import Shares, label_weights
from analysis.run_predictions import Probabilities
from data.errors import DataError

Labels = NDArray[np.int64]


class Method(StrEnum):
    """Ways to blend; the first four learn nothing."""

    MEAN = "mean"
    GEOMETRIC = "geometric"
    RANK = "rank"
    VOTE = "vote"
    GREEDY = "greedy"
    WEIGHTS = "weights"
    STACKING = "stacking"

    @property
    def learns(self) -> bool:
        """Whether it learns from the images, and so scores better on those than on others."""
        return self in (Method.GREEDY, Method.WEIGHTS, Method.STACKING)

    @property
    def gives_probabilities(self) -> bool:
        """Whether the blend's scores are probabilities: only those can be corrected."""
        return self not in (Method.RANK, Method.VOTE)


@dataclass(frozen=True)
class Choice:
    """A method and the corrections of its blend."""

    method: Method
    bias: bool = False  # of each class, tuned for macro F1
    prior: bool = False  # to the estimated shares of the test set's classes

    def __post_init__(self) -> None:
        if (self.bias or self.prior) and not self.method.gives_probabilities:
            raise DataError(
                f"{self.method} gives no probabilities, which a bias or a prior could correct; take mean, "
                "geometric, greedy, weights or stacking, or leave the correction."
            )

    @property
    def name(self) -> str:
        """As tables show it."""
        return self.method + " + bias" * self.bias + " + prior" * self.prior


@dataclass(frozen=True)
class Recipe:
    """What was learnt for one choice: applied to any images of the same M members and C classes."""

    choice: Choice
    weights: Weights  # (M,), sum 1; of stacking equal ones, which it makes no use of
    stacking: Stacking | None  # of the method stacking
    offsets: Floats | None  # (C,) added to log-probabilities by the corrections

    def scores(self, probabilities: Probabilities) -> Floats:
        """The blend (n, C) of members' probabilities (M, n, C), not corrected; the highest is the answer."""
        match self.choice.method:
            case Method.GEOMETRIC:
                return geometric_blend(probabilities, self.weights)
            case Method.RANK:
                return rank_blend(probabilities, self.weights)
            case Method.VOTE:
                return vote_blend(probabilities, self.weights)
            case Method.STACKING:
                assert self.stacking is not None  # noqa: S101  (learnt below)
                return self.stacking.probabilities(probabilities)
            case _:
                return mean_blend(probabilities, self.weights)

    def answers(self, scores: Floats) -> Labels:
        """Class of each image (n,) from the blend's scores (n, C), corrections applied."""
        return (scores if self.offsets is None else log_probabilities(scores) + self.offsets).argmax(1)

    def labels(self, probabilities: Probabilities) -> Labels:
        """Class of each image (n,) from members' probabilities (M, n, C)."""
        return self.answers(self.scores(probabilities))


def learn_blend(method: Method, probabilities: Probabilities, targets: Labels) -> Recipe:
    """Learn a method on members' out-of-fold probabilities (M, n, C) and targets (n,); no correction yet."""
    weights, stacking = equal_weights(len(probabilities)), None
    match method:
        case Method.GREEDY:
            weights = greedy_selection(probabilities, targets).weights(len(probabilities))
        case Method.WEIGHTS:
            weights = simplex_weights(probabilities, targets)
        case Method.STACKING:
            stacking = learn_stacking(probabilities, targets)
    return Recipe(Choice(method), weights, stacking, None)


def correct(recipe: Recipe, choice: Choice, scores: Floats, targets: Labels, prior: Shares) -> Recipe:
    """The recipe with the corrections of `choice`, learnt on its own scores (n, C) of out-of-fold images.

    prior: estimated class shares (C,) of the test set. Where both corrections are asked for, the prior comes first and
    the bias is tuned for the macro F1 of images weighted to those shares.
    """
    if not (choice.bias or choice.prior):
        return replace(recipe, choice=choice, offsets=None)
    offsets = prior_offsets(scores, prior) if choice.prior else np.zeros(scores.shape[1])
    if choice.bias:
        weights = label_weights(targets, prior) if choice.prior else None
        offsets = offsets + class_bias(log_probabilities(scores) + offsets, targets, weights)
    return replace(recipe, choice=choice, offsets=offsets)
