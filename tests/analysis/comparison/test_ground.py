from pathlib import Path

import numpy as np
import pytest

from analysis.comparison.ground import Ground, ground_of
from analysis.run_predictions import RunPredictions
from data.errors import DataError
from runners.run_folder import RunFolder


def ground(**changed: object) -> Ground:
    values: dict[str, object] = {
        "image_ids": np.array(["a1", "a2", "b1", "c1"]), "persons": np.array(["a", "a", "b", "c"]),
        "targets": np.array([0, 1, 1, 2]), "folds": np.array([0, 0, 1, 1]), "classes": 3, "data": "x", "split": "y",
    }  # fmt: skip
    return Ground(**{**values, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"data": "z"}, "other data: its files differ"),
        ({"classes": 4}, "other data: its files differ"),
        ({"image_ids": np.array(["d1", "d2", "d3", "d4"])}, "other images: none in common"),
        ({"targets": np.array([0, 1, 2, 1])}, "other labels: 2 of 4 images in common are of another class"),
        ({"persons": np.array(["a", "a", "c", "b"])}, "other persons: the same images, grouped otherwise"),
        ({"image_ids": np.array(["a1", "a2", "b1", "d1"])}, "another split: 3 images are validated in both"),
        ({"folds": np.array([0, 0, 0, 1])}, "another split: 1 of 4 images are in another fold"),
        ({"split": "w"}, "another split: the networks were trained on other images"),
    ],
)
def test_says_why_two_grounds_do_not_compare(changed: dict[str, object], why: str) -> None:
    assert ground(**changed).apart_from(ground()) == why
    assert (ground(**changed).key == ground().key) == (why == "")


def test_says_how_much_it_is() -> None:
    assert ground().size == "4 images of 3 persons, 3 classes, 2 folds"
    assert ground(folds=np.zeros(4, int)).size.endswith(", 1 fold")
    assert ground().person_of_image.tolist() == [0, 0, 1, 2] and ground().person_count == 3


def predictions(ids: list[str], targets: list[int]) -> RunPredictions:
    size = len(ids)
    return RunPredictions(
        RunFolder(Path("runs")), np.array(ids), np.array(["p"] * size), np.array(targets), np.arange(size),
        np.eye(3, dtype=np.float32)[np.arange(size) % 3], np.array([], str), np.zeros((0, 3), np.float32),
    )  # fmt: skip


def test_images_are_put_in_the_order_of_their_ids() -> None:
    found, labels = ground_of(predictions(["c", "a", "b"], [2, 0, 1]), "x", "y")
    assert found.image_ids.tolist() == ["a", "b", "c"] and found.targets.tolist() == [0, 1, 2]
    assert found.folds.tolist() == [1, 2, 0] and labels.tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("ids", "targets", "words"),
    [(["a", "a"], [0, 1], "predicts image 'a' twice"), (["a", "b"], [0, 3], "none of its 3")],
)
def test_images_that_are_there_twice_and_classes_that_are_none_are_refused(
    ids: list[str], targets: list[int], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        ground_of(predictions(ids, targets), "", "")
