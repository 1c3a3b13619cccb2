"""Which class is taken for which: confusion matrices of the classes and of what they say, and the worst pairs."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.mistakes.factors import all_factors, single_factors
from analysis.mistakes.judged_images import JudgedImages
from callbacks.metrics import accuracy, confusion_matrix, f1, macro_f1, precision, recall


@dataclass(frozen=True)
class Confusion:
    """Counts of images by truth and prediction."""

    name: str  # "class", "mask", "gender", "age" or "mask x age"
    values: tuple[str, ...]  # (V,) in words
    counts: NDArray[np.int64]  # (V, V): row = truth, column = prediction

    @property
    def macro_f1(self) -> float:
        """F1 averaged over the values that occur."""
        return macro_f1(self.counts)

    @property
    def accuracy(self) -> float:
        """Share of images whose value is right."""
        return accuracy(self.counts)

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 of each value, (V,)."""
        return f1(self.counts)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of each value's predictions that are right, (V,)."""
        return precision(self.counts)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of each value's images that were found, (V,)."""
        return recall(self.counts)


@dataclass(frozen=True)
class ConfusedPair:
    """A class that is taken for another one."""

    target: int  # index of the true class
    predicted: int
    images: int
    persons: int  # that own these images
    share: float  # of the true class's images
    back: int  # images of the predicted class that are taken for the true one
    differs: tuple[str, ...]  # factors the two classes differ in; empty where classes have none


def confusions(judged: JudgedImages) -> tuple[Confusion, ...]:
    """Of the classes and, in the mask competition, of mask, gender, age and mask x age."""
    counts = confusion_matrix(judged.targets, judged.labels, len(judged.class_names))
    return tuple(
        Confusion(factor.name, factor.values, factor.merge(counts)) for factor in all_factors(judged.class_names)
    )


def confused_pairs(judged: JudgedImages) -> tuple[ConfusedPair, ...]:
    """Every pair of classes with a mistake, most images first, then the larger share of the true class."""
    classes = len(judged.class_names)
    counts = confusion_matrix(judged.targets, judged.labels, classes)
    support = counts.sum(1)
    factors = single_factors(judged.class_names)
    pair_of_image = judged.targets * classes + judged.labels
    found = []
    for pair in np.unique(pair_of_image[judged.wrong]):
        target, predicted = divmod(int(pair), classes)
        found.append(
            ConfusedPair(
                target=target,
                predicted=predicted,
                images=int(counts[target, predicted]),
                persons=len(np.unique(judged.persons[pair_of_image == pair])),
                share=float(counts[target, predicted] / support[target]),
                back=int(counts[predicted, target]),
                differs=tuple(
                    factor.name for factor in factors if factor.of_class[target] != factor.of_class[predicted]
                ),
            )
        )
    return tuple(sorted(found, key=lambda pair: (-pair.images, -pair.share)))


def wrong_in(judged: JudgedImages) -> dict[tuple[str, ...], int]:
    """Images that are wrong in exactly these factors, for each combination of mask, gender and age; {} without any."""
    factors = single_factors(judged.class_names)
    differs = np.array([factor.of_class[judged.targets] != factor.of_class[judged.labels] for factor in factors])
    names = [factor.name for factor in factors]
    return {
        chosen: int((differs == np.isin(names, chosen)[:, None]).all(0).sum())
        for size in range(1, len(names) + 1)
        for chosen in combinations(names, size)
    }
