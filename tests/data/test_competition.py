"""Each fact of the competition's true files is a rule of the reader."""

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from data.competition import scan_competition
from data.errors import DataError
from data.findings import Finding, raise_first
from data.labels import STEM_TO_MASK, encode
from data.metadata import ImageData
from data.reading import read_data

STEMS = tuple(STEM_TO_MASK)
HASHES = ("b" * 40 + ".jpg", "a" * 40 + ".jpg", "0" * 40 + ".jpg")  # not sorted: info.csv's order is what counts


def person(root: Path, folder: str, stems: tuple[str, ...] = STEMS, extension: str = ".jpg") -> None:
    (root / "train/images" / folder).mkdir(parents=True, exist_ok=True)
    for stem in stems:
        (root / "train/images" / folder / f"{stem}{extension}").touch()


def train_csv(root: Path, *rows: str, header: str = "id,gender,race,age,path") -> None:
    (root / "train/images").mkdir(parents=True, exist_ok=True)
    (root / "train/train.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")


def eval_set(root: Path, ids: tuple[str, ...] = HASHES) -> None:
    (root / "eval/images").mkdir(parents=True)
    for image_id in ids:
        (root / "eval/images" / image_id).touch()
    (root / "eval/info.csv").write_text("ImageID,ans\n" + "".join(f"{image_id},0\n" for image_id in ids))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two people and three test images."""
    for folder in ("000001_female_Asian_45", "000002_male_Asian_60"):
        person(tmp_path, folder)
    train_csv(tmp_path, "000001,female,Asian,45,000001_female_Asian_45", "000002,male,Asian,60,000002_male_Asian_60")
    eval_set(tmp_path)
    return tmp_path


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_data(root)
    return str(caught.value)


# -- what is read ------------------------------------------------------------------------------------------------------


def test_tables_of_two_people(root: Path) -> None:
    data = read_data(root)
    train = data.train
    assert list(train.columns) == ["image_id", "path", "person", "target", "mask", "gender", "age", "years", "id"]
    assert train["image_id"].tolist()[:7] == [f"000001_female_Asian_45/{stem}.jpg" for stem in STEMS]
    assert train["path"].tolist()[7] == "train/images/000002_male_Asian_60/mask1.jpg"
    assert train["person"].tolist() == ["000001_female_Asian_45"] * 7 + ["000002_male_Asian_60"] * 7
    assert train["mask"].tolist() == [0, 0, 0, 0, 0, 1, 2] * 2
    assert train["gender"].tolist() == [1] * 7 + [0] * 7
    assert train["age"].tolist() == [1] * 7 + [2] * 7
    assert train["years"].tolist() == [45] * 7 + [60] * 7
    assert train["target"].tolist() == encode(train["mask"], train["gender"], train["age"]).tolist()
    assert train["target"].tolist()[:7] == [4, 4, 4, 4, 4, 10, 16]
    assert {str(train[column].dtype) for column in ("target", "mask", "gender", "age", "years")} == {"int64"}
    assert (data.form, data.id_column, data.answer_column, len(data.class_names)) == ("mask", "ImageID", "ans", 18)
    assert data.warnings == () and data.hidden_files == () and data.corrected_rows == 0


def test_test_rows_keep_the_order_of_info_csv(root: Path) -> None:
    test = read_data(root).test
    assert test["image_id"].tolist() == list(HASHES)
    assert test["path"].tolist() == [f"eval/images/{image_id}" for image_id in HASHES]
    assert test.index.tolist() == [0, 1, 2]


def test_without_eval_there_are_no_test_rows(tmp_path: Path) -> None:
    person(tmp_path, "p")
    train_csv(tmp_path, "1,male,Asian,20,p")
    test = read_data(tmp_path).test
    assert (list(test.columns), len(test)) == (["image_id", "path"], 0)


@pytest.mark.parametrize("id_", ["000001", "001498-1", "1", "NA", "1e5", "00"])
def test_ids_are_text(tmp_path: Path, id_: str) -> None:
    person(tmp_path, "p")
    train_csv(tmp_path, f"{id_},male,Asian,20,p")
    assert set(read_data(tmp_path).train["id"]) == {id_}


def test_a_person_is_a_path_not_an_id(tmp_path: Path) -> None:
    """One id of two people; and an id with -1 is another person than the id before the dash."""
    rows = []
    for id_, folder in (
        ("003397", "003397_female_Asian_18"),
        ("003397", "003397_male_Asian_19"),
        ("001498", "001498_female_Asian_23"),
        ("001498-1", "001498-1_male_Asian_23"),
    ):
        person(tmp_path, folder)
        rows.append(f"{id_},{folder.split('_')[1]},Asian,{folder[-2:]},{folder}")
    train_csv(tmp_path, *rows)
    train = read_data(tmp_path).train
    assert train["person"].nunique() == 4
    assert train["image_id"].is_unique
    assert train.groupby("person")["gender"].nunique().max() == 1


def test_ids_that_lost_their_zeros_do_not_matter(tmp_path: Path) -> None:
    person(tmp_path, "000020_female_Asian_50")
    train_csv(tmp_path, "20,female,Asian,50,000020_female_Asian_50")
    assert len(read_data(tmp_path).train) == 7


@pytest.mark.parametrize("extension", [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".Png"])
def test_files_are_found_by_stem(tmp_path: Path, extension: str) -> None:
    person(tmp_path, "p", extension=extension)
    train_csv(tmp_path, "1,male,Asian,20,p")
    assert read_data(tmp_path).train["image_id"].tolist() == [f"p/{stem}{extension}" for stem in STEMS]


def test_one_person_may_mix_extensions(tmp_path: Path) -> None:
    person(tmp_path, "p", STEMS[:3], ".jpg")
    person(tmp_path, "p", STEMS[3:5], ".jpeg")
    person(tmp_path, "p", STEMS[5:], ".png")
    train_csv(tmp_path, "1,male,Asian,20,p")
    extensions = [name.rpartition(".")[2] for name in read_data(tmp_path).train["path"]]
    assert extensions == ["jpg"] * 3 + ["jpeg"] * 2 + ["png"] * 2


def test_hidden_files_are_skipped_and_counted(root: Path) -> None:
    hidden = [
        ".DS_Store",
        "train/images/.DS_Store",
        "train/images/000002_male_Asian_60/._mask1.jpg",
        "train/images/000002_male_Asian_60/.ipynb_checkpoints",
        "eval/images/.DS_Store",
        f"eval/images/._{HASHES[0]}",
    ]
    for name in hidden:
        (root / name).touch()
    data = read_data(root)
    assert (len(data.train), len(data.test)) == (14, 3)
    assert sorted(data.hidden_files) == sorted(hidden)
    assert data.warnings == ()


@pytest.mark.parametrize(("years", "bucket"), [(18, 0), (29, 0), (30, 1), (59, 1), (60, 2)])
def test_age_buckets(tmp_path: Path, years: int, bucket: int) -> None:
    person(tmp_path, "p")
    train_csv(tmp_path, f"1,male,Asian,{years},p")
    data = read_data(tmp_path)
    assert set(data.train["age"]) == {bucket}
    assert data.warnings == ()


@pytest.mark.parametrize(("on_disk", "in_csv"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_names_are_found_and_kept_in_one_unicode_form(tmp_path: Path, on_disk: str, in_csv: str) -> None:
    name = "000001_여성_ü"
    person(tmp_path, unicodedata.normalize(on_disk, name))
    train_csv(tmp_path, f"000001,female,Asian,20,{unicodedata.normalize(in_csv, name)}")
    train = read_data(tmp_path).train
    assert set(train["person"]) == {unicodedata.normalize("NFC", name)}
    assert (tmp_path / train["path"][0]).is_file()


# -- what is read, and said --------------------------------------------------------------------------------------------


def test_a_person_without_seven_images_is_read_with_a_warning(root: Path) -> None:
    (root / "train/images/000002_male_Asian_60/mask3.jpg").unlink()
    data = read_data(root)
    assert len(data.train) == 13
    assert data.warnings == (
        f"{root}/train/train.csv, row 3: {root}/train/images/000002_male_Asian_60 lacks mask3; "
        f"expected seven images a person.",
    )


@pytest.mark.parametrize("years", [0, 17, 61, 120])
def test_an_age_the_competition_does_not_have_is_read_with_a_warning(tmp_path: Path, years: int) -> None:
    person(tmp_path, "p")
    train_csv(tmp_path, f"1,male,Asian,{years},p")
    data = read_data(tmp_path)
    expected = f"{tmp_path}/train/train.csv, row 2: age is '{years}'; the competition's go from 18 to 60."
    assert data.warnings == (expected,)
    assert set(data.train["years"]) == {years}


def test_a_folder_or_test_image_in_no_row_is_said(root: Path) -> None:
    person(root, "999999_male_Asian_20")
    (root / "eval/images/extra.jpg").touch()
    data = read_data(root)
    assert len(data.train) == 14
    assert data.warnings == (
        f"{root}/train/images/999999_male_Asian_20 is in no row of train/train.csv: not used.",
        f"{root}/eval/images holds 1 files in no row of eval/info.csv: 'extra.jpg'.",
    )


# -- what is refused ---------------------------------------------------------------------------------------------------

ROW_1 = "000001,female,Asian,45,000001_female_Asian_45"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("000002,Male,Asian,60,000002_male_Asian_60", "gender is 'Male'; expected male or female."),
        ("000002,,Asian,60,000002_male_Asian_60", "gender is ''; expected male or female."),
        ("000002,male,Asian,-1,000002_male_Asian_60", "age is '-1'; expected whole years from 0 to 120."),
        ("000002,male,Asian,121,000002_male_Asian_60", "age is '121'; expected whole years from 0 to 120."),
        ("000002,male,Asian,60.0,000002_male_Asian_60", "age is '60.0'; expected whole years"),
        ("000002,male,Asian,,000002_male_Asian_60", "age is ''; expected whole years"),
        ("000002,male,Asian,٣٠,000002_male_Asian_60", "age is '٣٠'; expected whole years"),
        ("000002,male,Asian,60,000001_female_Asian_45", "path '000001_female_Asian_45' is already in row 2; expected"),
        (
            "000002,male,Asian,60,000009_male_Asian_60",
            "folder '000009_male_Asian_60' in ROOT/train/images does not exist",
        ),
        ("000002,male,Asian,60,", "path is ''; expected the name of a folder in train/images."),
        ("000002,male,Asian,60,/etc", "path is '/etc'; expected the name of a folder in train/images."),
        ("000002,male,Asian,60,../images/000002_male_Asian_60", "expected the name of a folder in train/images."),
        ("000002,male,Asian,60,..", "'..' is not a path below the data folder"),
        ("000002,male,Asian,60,.", "'.' is not a path below the data folder"),
        ("000002,male,Asian,60,C:\\images", "is not a path below the data folder"),
        ("000002,male,Asian,60", "4 cells; expected 5"),
    ],
)
def test_a_wrong_cell_names_file_row_and_what_is_right(root: Path, row: str, said: str) -> None:
    train_csv(root, ROW_1, row)
    message = refusal(root)
    assert message.startswith(f"{root}/train/train.csv, row 3: ")
    assert said.replace("ROOT", str(root)) in message


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("id,sex,race,age,path", "gender"),
        ("id,gender,race,years,path", "age"),
        ("id,gender,race,age,folder", "path"),
        ("number,gender,race,age,path", "id"),
    ],
)
def test_train_csv_without_its_columns(root: Path, header: str, missing: str) -> None:
    train_csv(root, ROW_1, header=header)
    expected = f"{root}/train/train.csv, row 1: no column {missing}; expected the columns id,gender,age,path"
    assert refusal(root).startswith(expected)


def test_race_is_not_needed(tmp_path: Path) -> None:
    person(tmp_path, "p")
    train_csv(tmp_path, "1,male,20,p", header="id,gender,age,path")
    assert len(read_data(tmp_path).train) == 7


def test_a_stem_twice(root: Path) -> None:
    (root / "train/images/000002_male_Asian_60/mask1.png").touch()
    folder = root / "train/images/000002_male_Asian_60"
    expected = f"{root}/train/train.csv, row 3: {folder} holds 'mask1.jpg', 'mask1.png'; expected one of them."
    assert refusal(root) == expected


@pytest.mark.parametrize("name", ["mask6.jpg", "Mask1.jpg", "mask1.gif", "normal", "notes.txt", "mask1 (1).jpg"])
def test_an_unknown_file(root: Path, name: str) -> None:
    (root / "train/images/000002_male_Asian_60" / name).touch()
    message = refusal(root)
    assert message.startswith(f"{root}/train/train.csv, row 3: ")
    assert f"'{name}' has another name; expected only mask1 to mask5, incorrect_mask and normal" in message


def test_a_folder_inside_a_persons(root: Path) -> None:
    (root / "train/images/000002_male_Asian_60/more").mkdir()
    assert "'more' is a folder; expected only mask1" in refusal(root)


def test_a_person_without_any_image(root: Path) -> None:
    for file in (root / "train/images/000002_male_Asian_60").iterdir():
        file.unlink()
    assert "000002_male_Asian_60 holds no image; expected only mask1" in refusal(root)


def test_links_out_of_the_data_folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    person(outside, "x")
    file = root / "train/images/000002_male_Asian_60/mask1.jpg"
    file.unlink()
    file.symlink_to(outside / "train/images/x/mask1.jpg")
    assert "'mask1.jpg' is a link to a place outside the data folder" in refusal(root)
    train_csv(root, ROW_1, "000003,male,Asian,60,linked")
    (root / "train/images/linked").symlink_to(outside / "train/images/x")
    assert "folder 'linked' in " in refusal(root)
    assert "is a link to a place outside the data folder" in refusal(root)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            f"ImageID,ans\n{HASHES[0]},0\nnone.jpg,0\n",
            "row 3: ImageID: file 'none.jpg' in ROOT/eval/images does not exist",
        ),
        (f"ImageID,ans\n{HASHES[0]},0\n{HASHES[0]},0\n", f"info.csv, row 3: ImageID '{HASHES[0]}' is already in row 2"),
        (f"ImageID,ans\n/{HASHES[0]},0\n", "is not a path below the data folder"),
        (f"ImageID,ans\n../images/{HASHES[0]},0\n", "is not a path below the data folder"),
        (f"image_id,ans\n{HASHES[0]},0\n", "info.csv, row 1: no column ImageID; expected the columns ImageID,ans"),
        (f"ImageID\n{HASHES[0]}\n", "info.csv, row 1: no column ans"),
        ("ImageID,ans\n", "info.csv has a header but no rows"),
    ],
)
def test_a_wrong_info_csv(root: Path, rows: str, said: str) -> None:
    (root / "eval/info.csv").write_text(rows)
    assert said.replace("ROOT", str(root)) in refusal(root)


def test_eval_without_info_csv_or_images(root: Path) -> None:
    (root / "eval/info.csv").unlink()
    assert "file 'info.csv' in " in refusal(root)
    (root / "eval/images").rename(root / "images")
    assert "folder 'images' in " in refusal(root)


def test_train_without_images(root: Path) -> None:
    (root / "train/images").rename(root / "images")
    assert refusal(root) == f"folder 'images' in {root}/train does not exist."


# -- scanning collects -------------------------------------------------------------------------------------------------


def scan(root: Path) -> tuple[ImageData, list[str]]:
    data, findings = scan_competition(root)
    return data, [finding.kind for finding in findings]


def test_scanning_collects_all_findings_and_keeps_the_rows_in_order(root: Path) -> None:
    for folder in ("a", "b", "c"):
        person(root, folder)
    (root / "train/images/a/mask9.jpg").touch()
    train_csv(
        root,
        ROW_1,
        "2,male,Asian,x,a",
        "3,man,Asian,20,b",
        "4,male,Asian,20,none",
        "5,male,Asian,20,c",
        "6,male,Asian,20,c",
    )
    (root / "eval/info.csv").write_text(f"ImageID,ans\nnone.jpg,0\n{HASHES[2]},0\n")
    data, kinds = scan(root)
    assert sorted(kinds) == [
        "duplicate person",
        "missing image",
        "missing person",
        "not in train.csv",
        "unknown file",
        "unknown gender",
        "wrong age",
    ]
    assert data.train["person"].unique().tolist() == ["000001_female_Asian_45", "c"]
    assert data.test["image_id"].tolist() == [HASHES[2]]


def test_an_unreadable_table_does_not_hide_the_other(root: Path) -> None:
    (root / "train/train.csv").write_bytes(b"\xff")
    data, kinds = scan(root)
    assert kinds == ["unreadable train data"]
    assert (len(data.train), len(data.test)) == (0, 3)
    assert isinstance(data.train, pd.DataFrame) and "target" in data.train
    (root / "eval/info.csv").write_bytes(b"\xff")
    assert scan(root)[1] == ["unreadable train data", "unreadable test data"]


def test_every_finding_is_a_sentence(root: Path) -> None:
    train_csv(root, ROW_1, "2,man,Asian,x,../..")
    _, findings = scan_competition(root)
    assert len(findings) >= 3
    for finding in findings:
        assert isinstance(finding, Finding) and finding.text.endswith(".") and ".." not in finding.text[-2:]
    with pytest.raises(DataError, match="more: `python -m experiments check` lists them"):
        raise_first(findings)
