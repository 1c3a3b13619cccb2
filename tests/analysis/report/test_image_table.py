from dataclasses import replace

import numpy as np
import pytest

from analysis.mistakes.judged_images import JudgedImages
from analysis.report.image_table import NOT_PREDICTED, carried_images, image_tables

PERSONS = ("b", "b", "a", "a", "c")


def judged(images: str = "12345", answers: str = "01010", classes: tuple[str, ...] = ("x", "y")) -> JudgedImages:
    """Images named by a digit, of PERSONS, target 0 for odd digits; `answers` beside them."""
    labels = np.array([int(answer) for answer in answers])
    numbers = np.array([int(image) for image in images])
    return JudgedImages(
        image_ids=np.array(list(images)),
        paths=np.array([f"{image}.jpg" for image in images]),
        persons=np.array([PERSONS[number - 1] for number in numbers]),
        targets=1 - numbers % 2,
        probabilities=np.where(np.eye(len(classes))[labels] > 0, 0.75, 0.25).astype(np.float32),
        class_names=classes,
    )


def test_runs_are_joined_by_image_and_never_by_position() -> None:
    (table,) = image_tables([judged(), judged("54321", "11111"), judged("13", "01")])
    assert table.runs == (0, 1, 2)
    assert table.image_ids.tolist() == ["3", "4", "1", "2", "5"] and table.persons.tolist() == list("aabbc")
    answers = {
        image: column.tolist() for image, column in zip(table.image_ids.tolist(), table.predicted.T, strict=True)
    }
    assert answers == {"1": [0, 1, 0], "2": [1, 1, -1], "3": [0, 1, 1], "4": [1, 1, -1], "5": [0, 1, -1]}
    assert (table.probability == np.where(table.predicted == NOT_PREDICTED, 0, 0.75)).all()
    assert table.targets.tolist() == [0, 1, 0, 1, 0] and table.wrong.tolist() == [2, 0, 1, 0, 1]
    assert table.paths[0] == "3.jpg"


def test_a_run_that_saw_other_images_adds_them() -> None:
    first, second, third = judged("12", "00"), judged("34", "00"), judged("1234", "0000")
    assert [table.runs for table in image_tables([first, second, third])] == [(0, 2), (1,)]
    (table,) = image_tables([third, second, first])
    assert table.predicted.tolist() == [[0, 0, 0, 0], [0, 0, -1, -1], [-1, -1, 0, 0]]


@pytest.mark.parametrize("field", ["targets", "persons", "class_names"])
def test_runs_that_disagree_on_an_image_stand_apart(field: str) -> None:
    first = judged()
    changed = {
        "targets": first.targets[::-1].copy() * 0,
        "persons": first.persons[::-1].copy(),
        "class_names": ("x", "z"),
    }
    tables = image_tables([first, replace(judged(), **{field: changed[field]}), judged()])
    assert [table.runs for table in tables] == [(0, 2), (1,)]


def test_whole_persons_with_the_most_mistakes_are_carried() -> None:
    (table,) = image_tables([judged(answers="01111"), judged(answers="01011")])  # wrong: 3 (a) once, 5 (c) twice
    assert carried_images(table, 5) is table
    assert carried_images(table, 3).persons.tolist() == ["a", "a", "c"]
    assert carried_images(table, 2).persons.tolist() == ["c"]  # two more would be too many
    assert carried_images(table, 3).predicted.tolist() == [[1, 1, 1], [0, 1, 1]]
