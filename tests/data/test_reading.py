"""A path is recognised as one of the two forms, or refused with what it holds."""

from pathlib import Path

import pytest

from data.errors import DataError
from data.reading import read_data


def generic(folder: Path, csv_name: str, label: str = "cat") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.jpg").touch()
    (folder / csv_name).write_text(f"path,label,group\na.jpg,{label},p1\n")
    return folder / csv_name


def competition(root: Path) -> Path:
    person = root / "train/images/000001_male_Asian_20"
    person.mkdir(parents=True)
    (person / "normal.jpg").touch()
    (root / "train/train.csv").write_text("id,gender,race,age,path\n000001,male,Asian,20,000001_male_Asian_20\n")
    return root


def test_a_folder_with_train_train_csv_is_the_competition(tmp_path: Path) -> None:
    generic(competition(tmp_path), "data.csv")
    assert read_data(tmp_path).form == "mask"


@pytest.mark.parametrize("csv_name", ["data.csv", "train.csv"])
def test_a_folder_with_a_csv_is_generic(tmp_path: Path, csv_name: str) -> None:
    generic(tmp_path, csv_name)
    data = read_data(tmp_path)
    assert (data.form, data.root, len(data.train)) == ("csv", tmp_path, 1)


def test_data_csv_comes_before_train_csv(tmp_path: Path) -> None:
    generic(tmp_path, "train.csv", "old")
    generic(tmp_path, "data.csv", "new")
    assert read_data(tmp_path).class_names == ("new",)


def test_a_csv_of_any_name_may_be_given_itself(tmp_path: Path) -> None:
    assert read_data(generic(tmp_path, "mine.csv")).class_names == ("cat",)


def test_neither_form_says_what_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "readme.txt").touch()
    with pytest.raises(DataError) as caught:
        read_data(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is no data set: expected a folder with train/train.csv or data.csv or "
        f"train.csv, or a CSV file; it holds 'input', 'readme.txt'."
    )
    with pytest.raises(DataError, match="it holds nothing"):
        read_data(tmp_path / "input")
    with pytest.raises(DataError, match="none does not exist; expected a folder with train/train.csv"):
        read_data(tmp_path / "none")


@pytest.mark.parametrize("given", ["train", "train/train.csv"])
def test_the_competition_named_one_folder_too_deep_is_told_so(tmp_path: Path, given: str) -> None:
    with pytest.raises(DataError, match=f"no column label, group.*give the folder above train: {tmp_path}"):
        read_data(competition(tmp_path) / given)


@pytest.mark.parametrize("name", ["data.csv", "train.csv", "test.csv"])
def test_a_csv_that_is_a_link_out_of_the_folder_is_not_read(tmp_path: Path, name: str) -> None:
    generic(tmp_path / "data", "data.csv" if name == "test.csv" else "other.csv")
    (tmp_path / "secret.txt").write_text("root:x:0:0\n")
    (tmp_path / "data" / name).symlink_to(tmp_path / "secret.txt")
    with pytest.raises(DataError, match=f"'{name}' in .*data.* is a link to a place outside the data folder") as caught:
        read_data(tmp_path / "data")
    assert "x:0:0" not in str(caught.value)
