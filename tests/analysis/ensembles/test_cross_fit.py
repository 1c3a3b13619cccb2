"""Cross-fitted answers come from recipes that never saw the person; in-sample ones show what it would hide."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from analysis.ensembles.cross_fit import cross_fit, cross_fitted, estimated_priors, person_groups
from analysis.ensembles.members import Members
from analysis.ensembles.recipe import Choice, Method, correct, learn_blend
from analysis.matching.label_shift import em_prior
from data.errors import DataError


def test_groups_hold_whole_persons_and_do_not_depend_on_the_order(members: Members) -> None:
    groups = person_groups(members)
    of_person = {person: set(groups[members.persons == person].tolist()) for person in set(members.persons.tolist())}
    assert set(groups.tolist()) == set(range(5)) and all(len(found) == 1 for found in of_person.values())
    counts = np.bincount(groups)
    assert counts.max() - counts.min() <= 14


@pytest.mark.parametrize("choice", [Choice(Method.GREEDY), Choice(Method.WEIGHTS, prior=True),
                                    Choice(Method.MEAN, bias=True), Choice(Method.STACKING), Choice(Method.RANK)])
def test_it_equals_a_plain_loop_over_groups(members: Members, choice: Choice) -> None:
    groups = person_groups(members)
    fitted = cross_fit(members, [Choice(Method.VOTE), choice], groups, estimated_priors(members, groups))[1]
    assert fitted.choice == choice and len(fitted.parts) == 5
    for number in range(5):
        learnt = groups != number
        probabilities, targets = members.oof[:, learnt], members.targets[learnt]
        prior = em_prior(targets, probabilities.argmax(2), members.test_labels, 18)
        blend = learn_blend(choice.method, probabilities, targets)
        recipe = correct(blend, choice, blend.scores(probabilities), targets, prior)
        np.testing.assert_array_equal(fitted.cross_fitted[~learnt], recipe.labels(members.oof[:, ~learnt]))
    if not (choice.bias or choice.prior):
        np.testing.assert_array_equal(cross_fitted(members, choice.method, groups), fitted.cross_fitted)
    np.testing.assert_array_equal(fitted.in_sample, fitted.recipe.labels(members.oof))


def test_what_is_only_remembered_scores_in_sample_alone(make_members) -> None:  # type: ignore[no-untyped-def]
    """Labels of whole persons drawn by lot: there is nothing to learn but who it was."""
    rng = np.random.default_rng(0)
    targets = np.repeat(rng.integers(0, 3, 40), 7)
    own = np.repeat(rng.dirichlet(np.full(3, 0.3), (8, 40)), 7, axis=1).astype(np.float32)
    members = make_members(own, targets)
    groups = person_groups(members)
    fitted = cross_fit(members, [Choice(Method.STACKING)], groups, estimated_priors(members, groups))[0]
    in_sample, honest = (f1_score(targets, each, average="macro") for each in (fitted.in_sample, fitted.cross_fitted))
    assert in_sample > 0.8 and honest < 0.5


def test_one_person_is_too_few(members: Members) -> None:
    one = Members(**{**vars(members), "persons": np.full(len(members.targets), "A")})
    with pytest.raises(DataError, match="All images are of one person"):
        person_groups(one)
