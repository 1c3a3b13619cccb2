"""The worst mistakes are those of the largest loss; a person wrong throughout has no image judged right."""

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.worst_mistakes import persons_wrong_throughout, worst_mistakes

Draw = Callable[..., JudgedImages]


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 30))
def test_the_worst_are_the_wrong_ones_of_largest_loss(random_judged: Draw, seed: int, images: int, top: int) -> None:
    judged = random_judged(seed, images)
    everything = worst_mistakes(judged)
    assert {mistake.row for mistake in everything} == set(np.flatnonzero(judged.targets != judged.labels))
    losses = [mistake.loss for mistake in everything]
    assert losses == sorted(losses, reverse=True)
    assert worst_mistakes(judged, top) == everything[:top]
    persons = [mistake.person for mistake in worst_mistakes(judged, one_a_person=True)]
    assert persons == list(dict.fromkeys(mistake.person for mistake in everything))


def test_a_mistake_tells_image_person_truth_and_how_sure_it_was(judge: Callable[..., JudgedImages]) -> None:
    judged = judge([0, 1], [[0.9, 0.1], [0.75, 0.25]], list("ab"), ("x", "y"))
    (mistake,) = worst_mistakes(judged)
    assert (mistake.row, mistake.person, mistake.target, mistake.predicted) == (1, "b", 1, 0)
    assert (mistake.image_id, mistake.path) == (judged.image_ids[1], judged.paths[1])
    np.testing.assert_allclose([mistake.probability, mistake.loss], [0.75, -np.log(0.25)], rtol=1e-6)


def test_persons_wrong_throughout_and_in_what(judge: Callable[..., JudgedImages]) -> None:
    # a: the gender wrong in both, the age in one; b: one image right; c: one image only; d: wrong, but less sure.
    targets, labels = [0, 0, 0, 0, 0, 1, 1], [3, 4, 1, 0, 1, 2, 2]
    probabilities = np.full((7, 18), 0.01)
    probabilities[np.arange(7), labels] = [0.83, 0.83, 0.83, 0.83, 0.83, 0.43, 0.43]
    probabilities[[5, 6], 1] = 0.41
    found = persons_wrong_throughout(judge(targets, probabilities, list("aabbcdd")))
    assert [(person.person, person.images, person.throughout) for person in found] == [
        ("a", 2, ("gender",)),
        ("d", 2, ("age",)),
    ]
    assert found[0].rows.tolist() == [0, 1]
    np.testing.assert_allclose(found[0].loss, -np.log(0.01), rtol=1e-6)


@given(st.integers(0, 10_000))
def test_they_are_the_persons_a_loop_finds(random_judged: Draw, seed: int) -> None:
    judged = random_judged(seed, 42)
    expected = {
        person
        for person in set(judged.persons)
        if all(judged.labels[row] != judged.targets[row] for row in np.flatnonzero(judged.persons == person))
    }
    found = persons_wrong_throughout(judged)
    assert {person.person for person in found} == expected
    losses = [person.loss for person in found]
    assert losses == sorted(losses, reverse=True)
