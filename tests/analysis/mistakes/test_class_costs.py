"""What a class costs, against scikit-learn on labels made by hand."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from analysis.mistakes.class_costs import class_costs
from analysis.mistakes.judged_images import JudgedImages

Draw = Callable[..., JudgedImages]


def labels_by_hand(judged: JudgedImages, index: int, perfect: bool) -> list[int]:
    """The most probable class of each image, where class `index` may only be said of its own images, or never."""
    labels = []
    for target, probabilities in zip(judged.targets.tolist(), judged.probabilities.tolist(), strict=True):
        if perfect and target == index:
            labels.append(index)
            continue
        order = sorted(range(len(probabilities)), key=lambda place: -probabilities[place])
        labels.append(next(place for place in order if place != index))
    return labels


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 60), st.sampled_from([2, 3, 18]))
def test_costs_are_the_f1_of_the_labels_there_would_be(
    random_judged: Draw, seed: int, images: int, classes: int
) -> None:
    judged = random_judged(seed, images, classes)
    now = f1_score(judged.targets, judged.labels, average="macro")
    costs = class_costs(judged)
    assert {cost.index for cost in costs} == set(judged.targets) | set(judged.labels)
    for cost in costs:
        perfect, lost = (
            f1_score(judged.targets, labels_by_hand(judged, cost.index, way), average="macro") for way in (True, False)
        )
        np.testing.assert_allclose([cost.if_perfect, cost.if_lost], [perfect, lost])
        np.testing.assert_allclose([cost.gain, cost.loss], [perfect - now, now - lost], atol=1e-12)
        own = judged.targets == cost.index
        assert cost.images == own.sum() and cost.persons == len(set(judged.persons[own]))
        assert np.isclose(cost.f1, f1_score(own, judged.labels == cost.index, zero_division=0.0))
    gains = [cost.gain for cost in costs]
    assert gains == sorted(gains, reverse=True)


def test_a_perfect_class_mends_what_its_mistakes_spoil(judge: Callable[..., JudgedImages]) -> None:
    # Class 0 is once taken for 1: were 0 perfect, 1 would be too, and 1 in place of the F1 of 0 would not say so.
    judged = judge([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], list("abc"), ("x", "y"))
    first = class_costs(judged)[0]
    assert first.if_perfect == 1 and judged.wrong.sum() == 1
