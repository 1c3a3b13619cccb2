"""What a run was measured on. Two scores compare only where all of it is the same: images, labels, persons, split."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.run_predictions import RunPredictions
from data.errors import DataError, quote


@dataclass(frozen=True)
class Ground:
    """The n images that were predicted out of fold, in the order of their ids, and the files they came from."""

    image_ids: NDArray[np.str_]  # (n,) sorted
    persons: NDArray[np.str_]  # (n,)
    targets: NDArray[np.int64]  # (n,)
    folds: NDArray[np.int64]  # (n,)
    classes: int
    data: str  # hash of the data's listing (identity.json), empty where the run keeps none
    split: str  # and of its split: of all training images, validated or not

    @cached_property
    def key(self) -> str:
        """Equal for runs that compare."""
        digest = hashlib.sha256(f"{self.classes} {self.data} {self.split}".encode())
        for array in (self.image_ids, self.persons, self.targets, self.folds):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @cached_property
    def person_of_image(self) -> NDArray[np.int64]:
        """Index of each image's person among the sorted unique persons, (n,)."""
        return np.unique(self.persons, return_inverse=True)[1]

    @property
    def person_count(self) -> int:
        """P."""
        return 1 + int(self.person_of_image.max())

    @property
    def size(self) -> str:
        """How much it is, in words."""
        folds = np.unique(self.folds).size
        return (
            f"{self.image_ids.size:,} images of {self.person_count:,} persons, {self.classes} classes, "
            f"{folds} {'fold' if folds == 1 else 'folds'}"
        )

    def apart_from(self, other: "Ground") -> str:
        """Why a run on this ground and one on the other are not compared; empty where they are."""
        if self.key == other.key:
            return ""
        if self.data != other.data or self.classes != other.classes:
            return "other data: its files differ"
        shared, mine, others = np.intersect1d(self.image_ids, other.image_ids, return_indices=True)
        if not shared.size:
            return "other images: none in common"
        labels = int((self.targets[mine] != other.targets[others]).sum())
        if labels:
            return f"other labels: {labels:,} of {shared.size:,} images in common are of another class"
        if (self.persons[mine] != other.persons[others]).any():
            return "other persons: the same images, grouped otherwise"
        moved = shared.size != self.image_ids.size or shared.size != other.image_ids.size
        if moved:
            return f"another split: {shared.size:,} images are validated in both"
        in_other_folds = int((self.folds[mine] != other.folds[others]).sum())
        if in_other_folds:
            return f"another split: {in_other_folds:,} of {shared.size:,} images are in another fold"
        return "another split: the networks were trained on other images"


def ground_of(predictions: RunPredictions, data: str, split: str) -> tuple[Ground, NDArray[np.int64]]:
    """The ground of a run, and its labels (n,) in the same order; DataError where they can't be."""
    order = np.argsort(predictions.image_ids, kind="stable")
    ids = predictions.image_ids[order]
    twice = ids[1:] == ids[:-1]
    if twice.any():
        raise DataError(f"{predictions.run.oof} predicts image {quote(str(ids[1:][twice][0]))} twice; expected once.")
    classes = predictions.oof.shape[1]
    if predictions.targets.min() < 0 or predictions.targets.max() >= classes:
        raise DataError(f"{predictions.run.oof} has targets that are none of its {classes} classes.")
    ground = Ground(
        image_ids=ids,
        persons=predictions.persons[order],
        targets=predictions.targets[order].astype(np.int64),
        folds=predictions.folds[order].astype(np.int64),
        classes=classes,
        data=data,
        split=split,
    )
    return ground, predictions.labels[order].astype(np.int64)
