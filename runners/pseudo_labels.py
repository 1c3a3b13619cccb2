"""Test images as training images, labelled by what a finished run predicted for them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import DataError, quote
from data.metadata import ImageData
from data.training_rows import ExtraRows, Soft, TrainingRows
from runners.source_run import SourceRun, blind_models, read_source_run
from runners.state import read_json


@dataclass(frozen=True)
class PseudoLabels:
    """Labels of the test images from another run (Lee 2013, "Pseudo-Label"), different ones for every fold.

    A fold's labels are the mean of those of the run's networks that were trained on none of the persons whom this fold
    validates: where both runs have the same split, that is the network of the same fold. Else the labels would carry
    over what the networks learnt of these persons, and the fold's score would be too good. (Which epoch of such a
    network was kept was chosen by those persons' score, as for every out-of-fold prediction.)

    run: a finished run, "runs/<experiment>" for its newest one or the folder of one. threshold: test images whose
    largest probability is below it are left out. soft: targets are the probabilities, not the most probable class.
    """

    run: str
    threshold: float
    soft: bool

    def __post_init__(self) -> None:
        if not isinstance(self.threshold, int | float) or not 0 <= self.threshold <= 1:
            raise DataError(f"threshold is {self.threshold!r}: a probability from 0 to 1 would be right.")
        if not isinstance(self.soft, bool):
            raise DataError(f"soft is {self.soft!r}: True or False would be right.")

    def for_folds(
        self, data: ImageData, validated: Sequence[Collection[str]], most: int | None = None
    ) -> list[ExtraRows]:
        """The rows for each fold; validated: the persons that each fold validates. most: of test images; None: all.

        Raises DataError where the run is none, is of other data, was changed since it ended, or has no network that
        did not see a fold's persons; and where no test image reaches the threshold.
        """
        source = read_source_run(self.run, "extra_data")
        _check_classes(source, data)
        test = data.test if most is None else data.test.head(most)
        places = _places(source, test)  # (m,)
        digests, labels = source.prediction_digests, []
        for number, persons in enumerate(validated):
            models = blind_models_or_refuse(source, persons, number)
            mean = _mean(source, models)[places]  # (m, C)
            origin = {
                "kind": "pseudo-labels",
                "run": source.name,
                "networks": models,
                "predictions": [digests[model] for model in models],
            }
            labels.append(self._rows(test, mean, origin, number))
        return labels

    def _rows(self, test: pd.DataFrame, probabilities: Soft, origin: dict[str, Any], fold: int) -> ExtraRows:
        confidence = probabilities.max(1)
        kept = confidence >= self.threshold
        if not kept.any():
            largest = f", the largest is {confidence.max():.3f}" if len(confidence) else ""
            raise DataError(
                f"extra_data: no test image reaches threshold={self.threshold} in fold {fold + 1}{largest}: a lower "
                "threshold would be right."
            )
        chosen = test[kept]
        table = pd.DataFrame(
            {
                "image_id": chosen["image_id"].to_numpy(),
                "path": chosen["path"].to_numpy(),
                "person": ("test image " + chosen["image_id"]).to_numpy(),  # nobody knows who else is the same person
                "target": probabilities[kept].argmax(1).astype(np.int64),
            }
        )
        return ExtraRows(
            TrainingRows(table, probabilities[kept] if self.soft else None), {**origin, "images": int(kept.sum())}
        )


def blind_models_or_refuse(source: SourceRun, validated: Collection[str], fold: int) -> list[int]:
    """As :func:`runners.source_run.blind_models`, of persons that the run knows; DataError where it has no such one."""
    unknown = set(validated) - set(source.folds["person"])
    if unknown:
        raise DataError(
            f"extra_data: fold {fold + 1} validates {quote(min(unknown))}, whom the run {source.run.root} does not "
            "know: a run on the same data would be right."
        )
    models = blind_models(source, validated)
    if not models:
        raise DataError(
            f"extra_data: every network of {source.run.root} was trained on persons whom fold {fold + 1} validates: "
            f"the same split, partial(PersonSplit.from_csv, path={str(source.run.folds)!r}), would be right."
        )
    return models


def _mean(source: SourceRun, models: Sequence[int]) -> Soft:
    """Mean test probabilities (M, C) of some of the run's networks, each row with the sum 1."""
    shape = source.test["probabilities"].shape
    tests: list[NDArray[Any]] = [source.predictions[model]["test"] for model in models]
    wrong = next((model for model, test in zip(models, tests, strict=True) if test.shape != shape), None)
    if wrong is not None:
        raise DataError(f"{source.run.fold(wrong).predictions} does not hold test predictions {shape}, as test.npz.")
    mean = np.mean(tests, axis=0, dtype=np.float64)
    return (mean / mean.sum(1, keepdims=True)).astype(np.float32)


def _places(source: SourceRun, test: pd.DataFrame) -> NDArray[np.int64]:
    """Where the run has each test image, (m,)."""
    place = {str(image_id): number for number, image_id in enumerate(source.test["image_ids"])}
    lacking = [image_id for image_id in test["image_id"] if image_id not in place]
    if lacking or test.empty:
        what = (
            f"no prediction for test image {quote(lacking[0])}"
            if lacking
            else "nothing to label, the data has no test images"
        )
        raise DataError(f"extra_data: the run {source.run.root} has {what}: a run on the same data would be right.")
    return np.array([place[image_id] for image_id in test["image_id"]], np.int64)


def _check_classes(source: SourceRun, data: ImageData) -> None:
    classes = tuple(read_json(source.run.scores)["classes"])
    if classes != data.class_names:
        raise DataError(
            f"extra_data: the run {source.run.root} has {len(classes)} classes, and they are not the "
            f"{len(data.class_names)} of {data.root}: a run on the same data would be right."
        )
