"""What each class costs: the macro F1 there would be if it were always right, and if it were never found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.mistakes.judged_images import JudgedImages
from callbacks.metrics import confusion_matrix, f1, macro_f1, precision, recall


@dataclass(frozen=True)
class ClassCost:
    """One class that occurs among targets or predictions."""

    index: int
    name: str
    images: int
    persons: int
    precision: float
    recall: float
    f1: float
    if_perfect: float  # macro F1 if its images were all found and no other image were taken for it
    if_lost: float  # macro F1 if it were never the answer
    gain: float  # if_perfect less the macro F1 there is
    loss: float  # the macro F1 there is less if_lost


def class_costs(judged: JudgedImages) -> tuple[ClassCost, ...]:
    """Every class that occurs, the one with most to gain first.

    Both are told by the same probabilities: an image that may not be called a class any more takes the most probable of
    the others. So a perfect class also mends those that its mistakes spoil, which 1 in place of its F1 would not show.
    """
    classes = len(judged.class_names)
    counts = confusion_matrix(judged.targets, judged.labels, classes)
    now = macro_f1(counts)
    scores = precision(counts), recall(counts), f1(counts)
    costs = []
    for index in np.flatnonzero(counts.sum(0) + counts.sum(1)).tolist():
        own = judged.targets == index
        elsewhere = _without(judged, index)
        perfect = macro_f1(confusion_matrix(judged.targets, np.where(own, index, elsewhere), classes))
        lost = macro_f1(confusion_matrix(judged.targets, elsewhere, classes))
        costs.append(
            ClassCost(
                index=index,
                name=judged.class_names[index],
                images=int(own.sum()),
                persons=len(np.unique(judged.persons[own])),
                precision=float(scores[0][index]),
                recall=float(scores[1][index]),
                f1=float(scores[2][index]),
                if_perfect=perfect,
                if_lost=lost,
                gain=perfect - now,
                loss=now - lost,
            )
        )
    return tuple(sorted(costs, key=lambda cost: -cost.gain))


def _without(judged: JudgedImages, index: int) -> NDArray[np.int64]:
    """Labels (n,) if class `index` were no answer: those called it take the most probable of the other classes."""
    labels = judged.labels.copy()
    called = labels == index
    others = judged.probabilities[called].copy()
    others[:, index] = -1
    labels[called] = others.argmax(1)
    return labels
