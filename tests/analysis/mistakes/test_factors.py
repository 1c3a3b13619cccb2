"""Factors are classes merged: what they say of labels and probabilities is what counting says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.mistakes.factors import all_factors, class_factor, single_factors
from data.labels import AGE_BUCKETS, CLASS_NAMES, FACTORS, MASK_STATES, decode


def test_the_competition_has_five_and_other_classes_only_themselves() -> None:
    assert [factor.name for factor in all_factors(CLASS_NAMES)] == ["class", "mask", "gender", "age", "mask x age"]
    assert [factor.values for factor in single_factors(CLASS_NAMES)] == list(FACTORS.values())
    assert [factor.name for factor in all_factors(("cat", "dog"))] == ["class"]
    assert single_factors(("cat", "dog")) == ()
    assert class_factor(("cat", "dog")).of_class.tolist() == [0, 1]


def test_each_class_has_the_values_its_name_says() -> None:
    _, mask, gender, age, joint = all_factors(CLASS_NAMES)
    for index, name in enumerate(CLASS_NAMES):
        told = ", ".join(factor.values[factor.of_class[index]] for factor in (mask, gender, age))
        assert told == name
        state, _, bucket = name.split(", ")
        assert joint.values[joint.of_class[index]] == f"{state}, {bucket}"
    assert len(joint.values) == len(MASK_STATES) * len(AGE_BUCKETS)


@given(st.lists(st.tuples(st.integers(0, 17), st.integers(0, 17)), min_size=1, max_size=60), st.integers(0, 3))
def test_merging_a_confusion_is_counting_the_values(pairs: list[tuple[int, int]], which: int) -> None:
    factor = all_factors(CLASS_NAMES)[1 + which]
    counts = np.zeros((18, 18), np.int64)
    expected = np.zeros((len(factor.values), len(factor.values)), np.int64)
    for target, label in pairs:
        counts[target, label] += 1
        expected[factor.of_class[target], factor.of_class[label]] += 1
    assert (factor.merge(counts) == expected).all()


def test_probabilities_of_values_are_sums_over_classes() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(18), 5)
    gender = single_factors(CLASS_NAMES)[1]
    female = decode(np.arange(18))[1] == 1
    np.testing.assert_allclose(gender.probabilities(probabilities)[:, 1], probabilities[:, female].sum(1))
