"""What every run said of every image, one table a data set: what stands behind the cells that answer to a click."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.mistakes.judged_images import JudgedImages

NOT_PREDICTED = -1


@dataclass(frozen=True)
class ImageTable:
    """n images of one data set, sorted by person, and the out-of-fold answers of R runs to them."""

    classes: tuple[str, ...]
    image_ids: NDArray[np.str_]  # (n,)
    paths: NDArray[np.str_]  # (n,) POSIX, relative to the data's folder
    persons: NDArray[np.str_]  # (n,)
    targets: NDArray[np.int64]  # (n,)
    runs: tuple[int, ...]  # (R,) places of the runs in the report
    predicted: NDArray[np.int64]  # (R, n) class, NOT_PREDICTED where the run never validated the image
    probability: NDArray[np.float64]  # (R, n) of the predicted class, 0 where there is none

    @property
    def wrong(self) -> NDArray[np.int64]:
        """How many runs got each image wrong, (n,)."""
        return ((self.predicted != self.targets) & (self.predicted != NOT_PREDICTED)).sum(0)

    def only(self, images: NDArray[np.bool_]) -> "ImageTable":
        """The same runs on some of the images, a mask (n,)."""
        return ImageTable(
            self.classes,
            self.image_ids[images],
            self.paths[images],
            self.persons[images],
            self.targets[images],
            self.runs,
            self.predicted[:, images],
            self.probability[:, images],
        )


def image_tables(runs: Sequence[JudgedImages]) -> list[ImageTable]:
    """Tables of the runs; runs share one where they have classes, persons and targets in common.

    A run joins the first table whose images it shares, with the same person and target for every shared image (label
    corrections change targets: such a run has a table of its own).
    """
    answers = [_answers(run) for run in runs]
    groups: list[list[int]] = []
    truths: list[pd.DataFrame] = []  # by group: image_id -> person, target
    for place, answer in enumerate(answers):
        truth = answer[["person", "target", "path"]]
        group = next(
            (
                index
                for index, known in enumerate(truths)
                if runs[groups[index][0]].class_names == runs[place].class_names and _agree(known, truth)
            ),
            None,
        )
        if group is None:
            groups.append([place])
            truths.append(truth)
        else:
            groups[group].append(place)
            truths[group] = pd.concat([truths[group], truth[~truth.index.isin(truths[group].index)]])
    return [
        _table(truth, places, answers, runs[places[0]].class_names)
        for truth, places in zip(truths, groups, strict=True)
    ]


def carried_images(table: ImageTable, most: int) -> ImageTable:
    """The table cut to whole persons of at most that many images: those with the most wrong answers, of all runs.

    Persons whom every run got right are the first to go.
    """
    if len(table.image_ids) <= most:
        return table
    _, person, images = np.unique(table.persons, return_inverse=True, return_counts=True)
    order = np.argsort(-np.bincount(person, table.wrong), kind="stable")  # (P,)
    return table.only(np.isin(person, order[images[order].cumsum() <= most]))


def _answers(run: JudgedImages) -> pd.DataFrame:
    """Index image_id; columns person, target, path, predicted, probability."""
    return pd.DataFrame(
        {
            "person": run.persons,
            "target": run.targets,
            "path": run.paths,
            "predicted": run.labels,
            "probability": run.probabilities.max(1).astype(np.float64),
        },
        index=pd.Index(run.image_ids, name="image_id"),
    )


def _agree(known: pd.DataFrame, truth: pd.DataFrame) -> bool:
    shared = known.index.intersection(truth.index)
    return len(shared) > 0 and known.loc[shared].equals(truth.loc[shared])


def _table(
    truth: pd.DataFrame, places: Sequence[int], answers: Sequence[pd.DataFrame], classes: tuple[str, ...]
) -> ImageTable:
    truth = truth.sort_values("person", kind="stable")  # a person's images as the data has them
    of_runs = [answers[place].reindex(truth.index) for place in places]
    return ImageTable(
        classes=classes,
        image_ids=truth.index.to_numpy(np.str_),
        paths=truth["path"].to_numpy(np.str_),
        persons=truth["person"].to_numpy(np.str_),
        targets=truth["target"].to_numpy(np.int64),
        runs=tuple(places),
        predicted=np.stack([run["predicted"].fillna(NOT_PREDICTED).to_numpy(np.int64) for run in of_runs]),
        probability=np.stack([run["probability"].fillna(0.0).to_numpy(np.float64) for run in of_runs]),
    )
