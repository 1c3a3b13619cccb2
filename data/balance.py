"""How persons are dealt to folds so that class shares and sizes come out even, and how even they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SWAP_ROUNDS = 40  # a cap: the search mostly ends earlier, when no pair of folds improves any more
SWAP_CANDIDATES = 256  # kinds of person tried from each of two folds: up to 65,536 swaps weighed at once


@dataclass(frozen=True)
class Balance:
    """How even the folds of a split are; 0 and 0 is perfect."""

    class_deviation: float  # largest |class share in a fold - class share in all images|, in percentage points
    size_spread: int  # images in the largest fold less those in the smallest


def balance(targets: ArrayLike, folds: ArrayLike) -> Balance:
    """Balance of the validated folds from targets (N,) and folds (N,) as ``check_split`` accepts them."""
    targets, folds = np.asarray(targets, np.int64), np.asarray(folds, np.int64)
    validated = folds >= 0
    counts = class_counts(folds[validated], targets[validated], classes=int(targets.max()) + 1)  # (K, C)
    sizes = counts.sum(axis=1, keepdims=True)  # (K, 1)
    deviation = np.abs(counts / sizes - np.bincount(targets) / len(targets)).max()
    return Balance(100 * float(deviation), int(sizes.max() - sizes.min()))


def class_counts(group: Ints, target: Ints, classes: int | None = None) -> Ints:
    """Images of each group and class, shape (groups, classes)."""
    groups, classes = group.max(initial=-1) + 1, classes or target.max(initial=-1) + 1
    return np.bincount(group * classes + target, minlength=groups * classes).reshape(groups, classes)


def distribute(counts: Ints, shares: Floats, rng: np.random.Generator) -> Ints:
    """Fold of each person (P,), so that fold f holds about shares[f] of each class in counts (P, C) and of all images.

    Persons with the same counts are one kind and interchangeable: each fold is first dealt its whole share of a kind,
    the persons left over are placed greedily, then swaps between two folds remove what unevenness they can.
    """
    shuffled = rng.permutation(len(counts))
    rows = np.column_stack([counts, counts.sum(axis=1)])[shuffled]  # (P, C + 1): the size comes last
    hashes = rows @ rng.integers(2**62, size=rows.shape[1])  # sort faster; a clash costs balance only
    _, first, kind, persons = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    plan = _Plan(rows[first], persons, shares)
    plan.place_rest(rng)
    plan.swap(rng)
    fold = np.empty(len(rows), np.int64)
    folds_by_kind = np.tile(np.arange(len(shares)), len(persons))
    fold[shuffled[np.argsort(kind, kind="stable")]] = np.repeat(folds_by_kind, plan.dealt.ravel())
    return fold


class _Plan:
    """How many persons of each kind go to each fold: ``dealt`` (kinds, K), with the images that makes, ``loads``.

    What is made small is sum over folds of |load - share * total|^2 / share, each class weighed by 1 / its images (the
    chi-square statistic, so that rare classes count) and the size, the last column, as much as all classes together.
    Weights are whole numbers: sums stay exact, and ties break alike whatever BLAS the machine has.
    """

    def __init__(self, kinds: Ints, persons: Ints, shares: Floats) -> None:
        totals = persons @ kinds  # (C + 1,) images
        classes = np.count_nonzero(totals[:-1])
        self.weights = np.rint(256 * totals.max() / np.maximum(totals, 1))
        self.weights[-1] *= classes
        self.kinds = kinds.astype(np.float64)  # (kinds, C + 1) images of one person
        self.shares = shares  # (K,)
        self.dealt = np.floor(persons[:, None] * shares).astype(np.int64)
        self.waiting = persons - self.dealt.sum(axis=1)  # (kinds,) persons
        self.loads = self.dealt.T @ self.kinds  # (K, C + 1) images

    def place_rest(self, rng: np.random.Generator) -> None:
        """Deal the persons still waiting, large ones early, each to the fold where unevenness grows least."""
        weighted = self.kinds * self.weights
        halves = (self.kinds * weighted).sum(axis=1) / 2
        early = np.argsort(-halves * rng.uniform(0.5, 1, len(halves)))  # strictly by size, all seeds split alike
        waiting = np.repeat(early, self.waiting[early])
        empty = np.flatnonzero(self.loads[:, -1] == 0)
        free = len(waiting) - len(empty)
        for kind, fold in zip(waiting[free:], empty, strict=True):  # however small its share is
            self._give(kind, int(fold), 1)
        loads, shares = self.loads, self.shares  # the loop is most of a split's time
        for kind in waiting[:free].tolist():
            growth = (loads @ weighted[kind] + halves[kind]) / shares  # (K,) halved, less what all folds share
            fold = growth.argmin()
            loads[fold] += self.kinds[kind]
            self.dealt[kind, fold] += 1

    def swap(self, rng: np.random.Generator) -> None:
        """Swap persons of two folds while it evens them; in K rounds each fold meets each, as in a tournament."""
        idle_rounds = 0
        for turn in range(SWAP_ROUNDS):
            pairs = [(a, (turn - a) % len(self.shares)) for a in range(len(self.shares))]
            improved = [self._swap_best(a, b, rng) for a, b in pairs if a < b]
            idle_rounds = 0 if any(improved) else idle_rounds + 1
            if idle_rounds == len(self.shares):
                return

    def _swap_best(self, a: int, b: int, rng: np.random.Generator) -> bool:
        """Swap the person of fold a and the one of fold b that even the two best; False where no swap does."""
        share_a, share_b = self.shares[[a, b]]
        surplus = (share_b * self.loads[a] - share_a * self.loads[b]) / (share_a + share_b)
        surplus = np.rint(2 * surplus) / 2  # exact: half the difference, if equal
        given, taken = (rng.permutation(np.flatnonzero(self.dealt[:, fold]))[:SWAP_CANDIDATES] for fold in (a, b))
        gives, takes = self.kinds[given] - surplus, self.kinds[taken]  # |given - taken - surplus|^2, all pairs:
        distance = (gives**2 @ self.weights)[:, None] + takes**2 @ self.weights - 2 * (gives * self.weights) @ takes.T
        i, j = divmod(int(distance.argmin()), len(taken))
        if distance[i, j] >= surplus**2 @ self.weights:
            return False
        for kind, source, target in ((given[i], a, b), (taken[j], b, a)):
            self._give(kind, source, -1)
            self._give(kind, target, 1)
        return True

    def _give(self, kind: int, fold: int, persons: int) -> None:
        self.dealt[kind, fold] += persons
        self.loads[fold] += persons * self.kinds[kind]
