"""A recipe is what was learnt: it can be applied, corrected, and taken a member from."""

import numpy as np
import pytest

from analysis.ensembles.blends import log_probabilities, mean_blend
from analysis.ensembles.class_bias import class_bias
from analysis.ensembles.members import Members
from analysis.ensembles.prior_correction import prior_offsets
from analysis.ensembles.recipe import Choice, Method, correct, learn_blend
from analysis.matching.label_shift import label_weights
from data.errors import DataError

PRIOR = np.full(18, 1 / 18)


@pytest.mark.parametrize("method", list(Method))
def test_every_method_is_learnt_and_answers(members: Members, method: Method) -> None:
    recipe = learn_blend(method, members.oof, members.targets)
    assert recipe.weights.sum() == pytest.approx(1) and recipe.offsets is None and recipe.choice.name == method.value
    labels = recipe.labels(members.oof)
    assert labels.shape == (420,) and (labels == members.targets).mean() > 0.6
    assert method.learns == (method in (Method.GREEDY, Method.WEIGHTS, Method.STACKING))


def test_corrections_are_added_to_log_probabilities_the_prior_first(members: Members) -> None:
    recipe = learn_blend(Method.MEAN, members.oof, members.targets)
    scores = mean_blend(members.oof, recipe.weights)
    logs, targets = log_probabilities(scores), members.targets
    prior = prior_offsets(scores, PRIOR)
    tuned = class_bias(logs + prior, targets, label_weights(targets, PRIOR))
    for choice, offsets in (
        (Choice(Method.MEAN, prior=True), prior),
        (Choice(Method.MEAN, bias=True), class_bias(logs, targets)),
        (Choice(Method.MEAN, bias=True, prior=True), prior + tuned),
    ):
        corrected = correct(recipe, choice, scores, targets, PRIOR)
        assert corrected.choice == choice
        np.testing.assert_allclose(corrected.offsets, offsets)
        np.testing.assert_array_equal(corrected.labels(members.oof), (logs + offsets).argmax(1))
    assert correct(recipe, Choice(Method.MEAN), scores, targets, PRIOR) == recipe


@pytest.mark.parametrize("method", [Method.RANK, Method.VOTE])
def test_what_is_no_probability_is_not_corrected(method: Method) -> None:
    with pytest.raises(DataError, match=f"{method} gives no probabilities, which a bias or a prior could correct"):
        Choice(method, prior=True)
    assert Choice(Method.GREEDY, True, True).name == "greedy + bias + prior"
