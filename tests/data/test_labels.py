"""The class formula of the competition, in both directions."""

from itertools import product

import numpy as np
import pytest

from data.labels import (
    AGE_BUCKETS,
    CLASS_NAMES,
    FACTORS,
    GENDERS,
    MASK_STATES,
    STEM_TO_MASK,
    age_bucket,
    decode,
    encode,
)

ALL_FACTORS = list(product(range(3), range(2), range(3)))  # mask, gender, age in the classes' order


def test_classes_count_through_age_then_gender_then_mask() -> None:
    mask, gender, age = np.array(ALL_FACTORS).T
    assert encode(mask, gender, age).tolist() == list(range(18))


def test_decode_is_the_inverse_of_encode() -> None:
    assert np.stack(decode(np.arange(18)), axis=1).tolist() == [list(factors) for factors in ALL_FACTORS]


@pytest.mark.parametrize(
    ("mask", "gender", "age", "target"),
    [
        (0, 0, 0, 0),
        (0, 1, 2, 5),
        (1, 0, 0, 6),
        (1, 1, 1, 10),
        (2, 0, 1, 13),
        (2, 1, 2, 17),
    ],
)
def test_class_is_mask_times_6_plus_gender_times_3_plus_age(mask: int, gender: int, age: int, target: int) -> None:
    assert encode(mask, gender, age) == target


def test_encode_broadcasts() -> None:
    assert encode(np.array([0, 1, 2]), 1, 2).tolist() == [5, 11, 17]


def test_class_names_say_their_factors() -> None:
    for target, name in enumerate(CLASS_NAMES):
        mask, gender, age = (int(factor) for factor in decode(target))
        assert name == f"{MASK_STATES[mask]}, {GENDERS[gender]}, {AGE_BUCKETS[age]}"
    assert {name: len(words) for name, words in FACTORS.items()} == {"mask": 3, "gender": 2, "age": 3}


@pytest.mark.parametrize(("years", "bucket"), [(0, 0), (18, 0), (29, 0), (30, 1), (59, 1), (60, 2), (120, 2)])
def test_age_buckets_change_at_30_and_60(years: int, bucket: int) -> None:
    assert age_bucket([years]).tolist() == [bucket]


def test_seven_stems_five_of_them_worn() -> None:
    worn = {"mask1": 0, "mask2": 0, "mask3": 0, "mask4": 0, "mask5": 0}
    assert STEM_TO_MASK == worn | {"incorrect_mask": 1, "normal": 2}


def test_the_competitions_people_give_its_published_class_counts() -> None:
    """2,700 people by gender and age, seven images each, as the true listing has them."""
    people = {(0, 18): 549, (0, 45): 410, (0, 60): 83, (1, 18): 732, (1, 45): 817, (1, 60): 109}
    gender, years = np.repeat(np.array(list(people)), list(people.values()), axis=0).T  # (2700,)
    masks = np.array(list(STEM_TO_MASK.values()))  # (7,)
    targets = encode(masks, gender[:, None], age_bucket(years)[:, None])  # (2700, 7)
    published = [2745, 2050, 415, 3660, 4085, 545, 549, 410, 83, 732, 817, 109, 549, 410, 83, 732, 817, 109]
    assert np.bincount(targets.ravel()).tolist() == published
