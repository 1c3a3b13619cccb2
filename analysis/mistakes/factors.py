"""What a class says, in parts: mask state, gender, age bucket. Each is a way to merge classes, and nothing more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.labels import AGE_BUCKETS, CLASS_NAMES, FACTORS, MASK_STATES, decode

CLASS = "class"
MASK_AND_AGE = "mask x age"


@dataclass(frozen=True)
class Factor:
    """A question that each of the C classes answers with one of V values."""

    name: str  # "class", "mask", "gender", "age" or "mask x age"
    values: tuple[str, ...]  # (V,) in words
    of_class: NDArray[np.int64]  # (C,) the value of each class

    def merge(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Confusion of the values (V, V) from one of the classes (C, C)."""
        return self._membership.T @ counts @ self._membership

    def probabilities(self, of_classes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probability of each value (n, V), summed over the classes (n, C) that have it."""
        return of_classes.astype(np.float64) @ self._membership

    @property
    def _membership(self) -> NDArray[np.int64]:
        return (self.of_class[:, None] == np.arange(len(self.values))).astype(np.int64)  # (C, V)


def class_factor(class_names: Sequence[str]) -> Factor:
    """The classes themselves."""
    return Factor(CLASS, tuple(class_names), np.arange(len(class_names)))


def single_factors(class_names: Sequence[str]) -> tuple[Factor, ...]:
    """Mask, gender and age of the mask competition's classes; none for other classes."""
    if tuple(class_names) != CLASS_NAMES:
        return ()
    parts = decode(np.arange(len(CLASS_NAMES)))
    return tuple(Factor(name, words, part) for (name, words), part in zip(FACTORS.items(), parts, strict=True))


def all_factors(class_names: Sequence[str]) -> tuple[Factor, ...]:
    """The classes, then mask, gender, age, and mask x age where the classes are the mask competition's."""
    single = single_factors(class_names)
    if not single:
        return (class_factor(class_names),)
    mask, _, age = (factor.of_class for factor in single)
    values = tuple(f"{state}, {bucket}" for state in MASK_STATES for bucket in AGE_BUCKETS)
    joint = Factor(MASK_AND_AGE, values, mask * len(AGE_BUCKETS) + age)
    return (class_factor(class_names), *single, joint)
