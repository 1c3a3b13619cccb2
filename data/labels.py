"""The mask competition's 18 classes: mask state x gender x age bucket, and back."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

MASK_STATES = ("worn", "incorrect", "absent")
GENDERS = ("male", "female")
AGE_BUCKETS = ("<30", "30-59", ">=60")
FACTORS = {"mask": MASK_STATES, "gender": GENDERS, "age": AGE_BUCKETS}

CLASS_NAMES = tuple(f"{mask}, {gender}, {age}" for mask in MASK_STATES for gender in GENDERS for age in AGE_BUCKETS)

# A person's seven images, found by stem because the extension varies.
STEM_TO_MASK = {f"mask{number}": 0 for number in range(1, 6)} | {"incorrect_mask": 1, "normal": 2}


def age_bucket(years: ArrayLike) -> NDArray[np.int64]:
    """Bucket of each age in years: 0 below 30, 1 from 30 to 59, 2 from 60 on."""
    return np.digitize(np.asarray(years), (30, 60)).astype(np.int64)


def encode(mask: ArrayLike, gender: ArrayLike, age: ArrayLike) -> NDArray[np.int64]:
    """Class 0..17 from the three factors' indices: mask * 6 + gender * 3 + age bucket; shapes broadcast."""
    return np.asarray(mask, np.int64) * 6 + np.asarray(gender, np.int64) * 3 + np.asarray(age, np.int64)


def decode(target: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices of mask state, gender and age bucket of each class 0..17; the inverse of :func:`encode`."""
    classes = np.asarray(target, np.int64)
    return classes // 6, classes // 3 % 2, classes % 3
