"""Scores that can be believed: every image is answered by a recipe that was learnt on other persons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.ensembles.members import Members
from analysis.ensembles.recipe import Choice, Method, Recipe, correct, learn_blend
from analysis.matching.label_shift import Shares, em_prior
from data.errors import DataError
from data.splits import PersonStratifiedKFold

Labels = NDArray[np.int64]
Floats = NDArray[np.floating]

GROUPS = 5  # of persons; weights are learnt on four of them and applied to the fifth
SEED = 0


@dataclass(frozen=True)
class CrossFit:
    """One choice, learnt on all images and on each part of them that leaves a group of persons out."""

    recipe: Recipe  # learnt on all n images: what answers the test set
    parts: tuple[Recipe, ...]  # learnt without group 0, 1, ...
    in_sample: Labels  # (n,) answers of `recipe` to what it was learnt on: optimistic
    cross_fitted: Labels  # (n,) answers of the part that left the image's person out

    @property
    def choice(self) -> Choice:
        """What was learnt."""
        return self.recipe.choice


def person_groups(members: Members) -> Labels:
    """Group 0..K-1 of each image (n,): persons stay whole, classes are spread; the same for the same images."""
    persons = len(np.unique(members.persons))
    if persons < 2:
        raise DataError("All images are of one person; weights need other persons to be scored on.")
    table = pd.DataFrame({"person": members.persons, "target": members.targets})
    return PersonStratifiedKFold(min(GROUPS, persons)).assign(table, seed=SEED)


def estimated_priors(members: Members, groups: Labels) -> list[Shares]:
    """Class shares (C,) of the test set: estimated from the images outside group 0, 1, ..., and, last, from all."""
    classes, labels = len(members.class_names), members.labels
    return [
        em_prior(members.targets[rows], labels[:, rows], members.test_labels, classes) for rows in _learnt_on(groups)
    ]


def cross_fit(members: Members, choices: Sequence[Choice], groups: Labels, priors: Sequence[Shares]) -> list[CrossFit]:
    """Each choice learnt and applied, group by group and on all images; a method is learnt once for all its choices.

    The networks whose out-of-fold predictions a weight is learnt on were trained on the persons it is scored on; with a
    number or two a member that is no way to remember them.
    """
    blends: dict[Method, tuple[list[Recipe], list[Floats]]] = {}
    fitted = []
    for choice in choices:
        if choice.method not in blends:
            blends[choice.method] = _blends(members, choice.method, groups)
        recipes, labels = [], []
        for blend, scores, rows, prior in zip(*blends[choice.method], _learnt_on(groups), priors, strict=True):
            recipes.append(correct(blend, choice, scores[rows], members.targets[rows], prior))
            labels.append(recipes[-1].answers(scores))
        unseen = [of_part[groups == number] for number, of_part in enumerate(labels[:-1])]
        fitted.append(CrossFit(recipes[-1], tuple(recipes[:-1]), labels[-1], _joined(unseen, groups)))
    return fitted


def cross_fitted(members: Members, method: Method, groups: Labels) -> Labels:
    """Answers (n,) of a method without corrections: those of each group by what was learnt on the others."""
    if not method.learns:
        return learn_blend(method, members.oof, members.targets).labels(members.oof)
    labels = []
    for number, learnt in enumerate(_learnt_on(groups)[:-1]):
        recipe = learn_blend(method, members.oof[:, learnt], members.targets[learnt])
        labels.append(recipe.labels(members.oof[:, groups == number]))
    return _joined(labels, groups)


def _blends(members: Members, method: Method, groups: Labels) -> tuple[list[Recipe], list[Floats]]:
    """The method learnt without each group and, last, on all images; and the scores (n, C) of each for all images."""
    if not method.learns:
        blend = learn_blend(method, members.oof, members.targets)
        return [blend] * (groups.max() + 2), [blend.scores(members.oof)] * (groups.max() + 2)
    recipes = [learn_blend(method, members.oof[:, rows], members.targets[rows]) for rows in _learnt_on(groups)]
    return recipes, [recipe.scores(members.oof) for recipe in recipes]


def _learnt_on(groups: Labels) -> list[NDArray[np.bool_]]:
    """Images outside each group, and all of them."""
    return [*(groups != number for number in range(groups.max() + 1)), np.ones(len(groups), bool)]


def _joined(labels: Sequence[Labels], groups: Labels) -> Labels:
    """Labels of each group's images put back in the images' order, (n,)."""
    joined = np.empty(len(groups), np.int64)
    for number, of_group in enumerate(labels):
        joined[groups == number] = of_group
    return joined
