"""The mistakes that cost most loss, and the persons who are wrong in every image."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.mistakes.factors import single_factors
from analysis.mistakes.judged_images import JudgedImages


@dataclass(frozen=True)
class Mistake:
    """An image judged wrong."""

    row: int  # its place among the judged images
    image_id: str
    path: str  # POSIX, relative to the data's folder
    person: str
    target: int
    predicted: int
    probability: float  # of the predicted class
    loss: float  # cross-entropy: -log of the true class's probability


@dataclass(frozen=True)
class PersonWrong:
    """A person all of whose images, two or more, are judged wrong."""

    person: str
    rows: NDArray[np.int64]  # of the judged images, in the data's order
    loss: float  # mean cross-entropy
    throughout: tuple[str, ...]  # factors wrong in every image: a label of the person to look at, most often

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.rows)


def worst_mistakes(judged: JudgedImages, top: int | None = None, *, one_a_person: bool = False) -> tuple[Mistake, ...]:
    """Images judged wrong, largest loss first: the first `top`, or all; with one_a_person each person's worst only."""
    rows = np.flatnonzero(judged.wrong)
    rows = rows[np.argsort(-judged.losses[rows], kind="stable")]
    if one_a_person:
        rows = rows[~pd.Series(judged.persons[rows]).duplicated().to_numpy()]
    return tuple(_mistake(judged, int(row)) for row in rows[:top])


def persons_wrong_throughout(judged: JudgedImages) -> tuple[PersonWrong, ...]:
    """Persons without one image judged right, largest mean loss first; a person of a single image is no finding."""
    images = pd.DataFrame({"person": judged.persons, "wrong": judged.wrong, "loss": judged.losses})
    each = images.groupby("person").agg(images=("wrong", "size"), wrong=("wrong", "all"), loss=("loss", "mean"))
    chosen = each[each["wrong"] & (each["images"] > 1)].sort_values("loss", ascending=False, kind="stable")
    factors = single_factors(judged.class_names)
    found = []
    for person, loss in zip(chosen.index, chosen["loss"], strict=True):
        rows = judged.of_person(str(person))
        throughout = [
            factor.name
            for factor in factors
            if (factor.of_class[judged.targets[rows]] != factor.of_class[judged.labels[rows]]).all()
        ]
        found.append(PersonWrong(str(person), rows, float(loss), tuple(throughout)))
    return tuple(found)


def _mistake(judged: JudgedImages, row: int) -> Mistake:
    predicted = int(judged.labels[row])
    return Mistake(
        row=row,
        image_id=str(judged.image_ids[row]),
        path=str(judged.paths[row]),
        person=str(judged.persons[row]),
        target=int(judged.targets[row]),
        predicted=predicted,
        probability=float(judged.probabilities[row, predicted]),
        loss=float(judged.losses[row]),
    )
