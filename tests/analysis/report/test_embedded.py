import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.embedded import embedded, fitting, json_for_html
from analysis.report.image_table import ImageTable
from data.labels import CLASS_NAMES


def table(images: int, runs: tuple[int, ...], classes: tuple[str, ...] = ("x", "y")) -> ImageTable:
    """Persons of two images; run r gets every image right but the first r."""
    targets = np.arange(images) % 2
    return ImageTable(
        classes=classes,
        image_ids=np.array([f"image {number}" for number in range(images)]),
        paths=np.array([f"{number}.jpg" for number in range(images)]),
        persons=np.array([f"person {number // 2}" for number in range(images)]),
        targets=targets,
        runs=runs,
        predicted=np.stack([np.where(np.arange(images) < run, 1 - targets, targets) for run in runs]),
        probability=np.full((len(runs), images), 0.834),
    )


@given(st.recursive(st.text() | st.integers(), st.lists))
def test_json_comes_back_and_holds_nothing_that_html_reads(value: object) -> None:
    text = json_for_html(value)
    assert json.loads(text) == value
    assert text.isascii() and not set(text) & set("<>&")


def test_runs_point_at_their_table() -> None:
    told = json.loads(embedded([table(4, (2, 0), CLASS_NAMES), table(2, (1,))], [{3: "UklG"}, {}]))
    assert [run["table"] for run in told["runs"]] == [0, 1, 0]
    assert told["runs"][0] == {"table": 0, "predicted": [0, 1, 0, 1], "probability": [83] * 4}
    assert told["runs"][2]["predicted"] == [1, 0, 0, 1]
    first, second = told["tables"]
    assert first["person"] == [0, 0, 1, 1] and first["persons"] == ["person 0", "person 1"]
    assert first["images"][3] == "image 3" and first["thumbnails"] == {"3": "UklG"}
    assert list(first["factors"]) == ["class", "mask", "gender", "age", "mask x age"]
    assert first["factors"]["gender"][3:7] == [1, 1, 1, 0] and second["factors"] == {"class": [0, 1]}


def test_tables_are_cut_to_what_a_page_may_hold() -> None:
    tables = [table(600, (0, 5)), table(300, (1,))]
    size = len(embedded(tables, [{}, {}]))
    assert fitting(tables, 2 * size) == tables
    small = fitting(tables, size // 2)
    assert size // 4 < len(embedded(small, [{}, {}])) < size * 0.6
    assert small[0].persons[0] == "person 0"  # the persons with mistakes are kept
    assert 200 <= len(small[0].image_ids) <= 300 and 100 <= len(small[1].image_ids) <= 150


def test_ten_runs_of_the_whole_competition_are_carried_whole() -> None:
    whole = [table(18_900, tuple(range(10)), CLASS_NAMES)]
    assert fitting(whole) == whole and len(embedded(whole, [{}])) < 4_000_000
