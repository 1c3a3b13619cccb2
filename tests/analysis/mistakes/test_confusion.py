"""Confusion matrices and scores equal scikit-learn's; pairs equal a count by hand."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from analysis.mistakes.confusion import confused_pairs, confusions, wrong_in
from analysis.mistakes.factors import all_factors
from analysis.mistakes.judged_images import JudgedImages
from data.labels import CLASS_NAMES

Draw = Callable[..., JudgedImages]


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 80), st.sampled_from([2, 3, 18]))
def test_matrices_and_scores_are_those_of_scikit_learn(
    random_judged: Draw, seed: int, images: int, classes: int
) -> None:
    judged = random_judged(seed, images, classes)
    found = confusions(judged)
    assert len(found) == (5 if classes == 18 else 1)
    for confusion, factor in zip(found, all_factors(judged.class_names), strict=True):
        targets, labels = factor.of_class[judged.targets], factor.of_class[judged.labels]
        known = range(len(factor.values))
        assert (confusion.name, confusion.values) == (factor.name, factor.values)
        assert (confusion.counts == confusion_matrix(targets, labels, labels=known)).all()
        assert np.isclose(confusion.macro_f1, f1_score(targets, labels, average="macro"))
        assert np.isclose(confusion.accuracy, accuracy_score(targets, labels))
        options = {"average": None, "labels": known, "zero_division": 0.0}
        np.testing.assert_allclose(confusion.f1, f1_score(targets, labels, **options))
        np.testing.assert_allclose(confusion.precision, precision_score(targets, labels, **options))
        np.testing.assert_allclose(confusion.recall, recall_score(targets, labels, **options))


def test_pairs_are_counted_with_their_persons_and_what_they_differ_in(judge: Callable[..., JudgedImages]) -> None:
    # worn, male, <30 is taken for worn, male, 30-59 three times (two persons), and once the other way round;
    # worn, male, <30 for absent, female, <30 once.
    targets, labels = [0, 0, 0, 0, 1, 1, 0], [1, 1, 1, 15, 0, 1, 0]
    judged = judge(targets, np.eye(18)[labels], list("aabbccc"))
    first, *others = confused_pairs(judged)
    assert (first.target, first.predicted, first.images, first.persons, first.back) == (0, 1, 3, 2, 1)
    assert first.share == 3 / 5 and first.differs == ("age",)
    assert [(pair.target, pair.predicted, pair.images) for pair in others] == [(1, 0, 1), (0, 15, 1)]
    assert others[1].differs == ("mask", "gender")


@given(st.integers(0, 10_000), st.sampled_from([3, 18]))
def test_pairs_hold_every_mistake_once_and_the_most_frequent_first(
    random_judged: Draw, seed: int, classes: int
) -> None:
    judged = random_judged(seed, 60, classes)
    pairs = confused_pairs(judged)
    assert sum(pair.images for pair in pairs) == judged.wrong.sum()
    counts = [pair.images for pair in pairs]
    assert counts == sorted(counts, reverse=True)
    assert all(bool(pair.differs) == (classes == 18) for pair in pairs)


@given(st.integers(0, 10_000))
def test_mistakes_fall_into_exactly_one_combination_of_factors(random_judged: Draw, seed: int) -> None:
    judged = random_judged(seed, 60)
    combinations = wrong_in(judged)
    assert len(combinations) == 7 and sum(combinations.values()) == judged.wrong.sum()
    _, mask, gender, age, _ = all_factors(CLASS_NAMES)
    targets, labels = judged.targets, judged.labels
    only_age = (
        (age.of_class[targets] != age.of_class[labels])
        & (gender.of_class[targets] == gender.of_class[labels])
        & (mask.of_class[targets] == mask.of_class[labels])
    )
    assert combinations["age",] == only_age.sum()


def test_other_classes_have_no_factors(random_judged: Draw) -> None:
    assert wrong_in(random_judged(0, 30, 4)) == {}
