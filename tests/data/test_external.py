import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data.errors import DataError
from data.external import ExternalImages
from data.labels import CLASS_NAMES
from data.metadata import ImageData
from data.reading import read_data
from data.synthetic import write_sample

NOBODY = [frozenset(), frozenset()]


@pytest.fixture(scope="module")
def data(competition: Path) -> ImageData:
    return read_data(competition)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three more people in the competition's layout."""
    out = tmp_path_factory.mktemp("external") / "other"
    write_sample(out, train_persons=3, eval_persons=1, size=(64, 48), seed=7)
    return out


@pytest.fixture
def table(other: Path, tmp_path: Path):
    """Writes images of `other` with these labels and groups as a CSV, and names it."""

    def write(labels: list[str], groups: list[str]) -> Path:
        images = read_data(other)
        paths = list(images.train["path"][: len(labels)])
        for number, path in enumerate(paths):
            shutil.copy(images.root / path, tmp_path / f"{number}.jpg")
        rows = pd.DataFrame({"path": [f"{n}.jpg" for n in range(len(labels))], "label": labels, "group": groups})
        rows.to_csv(tmp_path / "data.csv", index=False)
        return tmp_path / "data.csv"

    return write


def test_every_fold_gets_the_training_images_of_a_folder_with_paths_that_lead_to_them(data, other: Path) -> None:
    first, second = ExternalImages(path=other).for_folds(data, NOBODY)
    assert first is second
    found, there = first.rows.table, read_data(other).train
    assert found["target"].tolist() == there["target"].tolist() and first.rows.soft is None
    assert found["person"].tolist() == there["person"].tolist() and found["years"].tolist() == there["years"].tolist()
    for path, name in zip(found["path"], there["path"], strict=True):
        assert (data.root / path).samefile(other / name)
    assert first.origin | {"content": ""} == {"kind": "external images", "images": 21, "persons": 3, "content": ""}


def test_labels_of_a_table_are_matched_by_name_and_classes_it_lacks_need_not_be_there(data, table) -> None:
    names = [CLASS_NAMES[17], CLASS_NAMES[4], CLASS_NAMES[17]]
    (extra,) = ExternalImages(path=table(names, ["new", "new", "newer"])).for_folds(data, NOBODY[:1])
    assert extra.rows.table["target"].tolist() == [17, 4, 17]


def test_a_class_that_the_competition_lacks_is_refused_with_those_it_has(data, table) -> None:
    path = table([CLASS_NAMES[0], "scarf"], ["new", "new"])
    with pytest.raises(DataError, match=r"data.csv: 'scarf' is none of the 18 classes of .*'worn, male, <30'.*right"):
        ExternalImages(path=path).for_folds(data, NOBODY)


def test_a_person_of_the_data_is_refused(data, table) -> None:
    known = data.train["person"].iloc[-1]
    path = table([CLASS_NAMES[0]] * 2, ["new", known])
    with pytest.raises(DataError, match=f"'{known}' is the name of a person of .* other persons"):
        ExternalImages(path=path).for_folds(data, NOBODY)


def test_what_the_images_hold_is_part_of_the_origin_and_where_they_lie_is_not(data, other, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(other, copy)

    def content(path: Path) -> str:
        return ExternalImages(path=path).for_folds(data, NOBODY)[0].origin["content"]

    before = content(copy)
    assert before == content(other)
    image = copy / read_data(copy).train["path"].iloc[3]
    body = bytearray(image.read_bytes())
    body[-3] ^= 1  # the same length
    image.write_bytes(body)
    changed = content(copy)
    assert changed != before
    csv = copy / "train/train.csv"
    text = csv.read_text()
    csv.write_text(text.replace(",male,", ",female,", 1))
    assert content(copy) not in (before, changed)


def test_a_part_of_them_is_whole_persons(data, other) -> None:
    (extra,) = ExternalImages(path=other).for_folds(data, NOBODY[:1], most=8)
    assert len(extra.rows.table) == 14 and extra.rows.table["person"].nunique() == 2


def test_a_folder_that_is_not_there_or_holds_nothing_is_one_sentence(data, tmp_path: Path, table) -> None:
    with pytest.raises(DataError, match="does not exist"):
        ExternalImages(path=tmp_path / "nowhere").for_folds(data, NOBODY)
    with pytest.raises(DataError, match="no rows; expected one row or more"):
        ExternalImages(path=table([], [])).for_folds(data, NOBODY)


def test_classes_are_the_datas_own_whatever_their_order(data, table) -> None:
    swapped = replace(data, class_names=tuple(reversed(CLASS_NAMES)))
    (extra,) = ExternalImages(path=table([CLASS_NAMES[0]], ["new"])).for_folds(swapped, NOBODY[:1])
    assert extra.rows.table["target"].tolist() == [17]
