"""A correction changes exactly the labels it names, or says why it can't."""

from pathlib import Path

import pandas as pd
import pytest

from data.corrections import MASK_CORRECTIONS, apply_corrections
from data.errors import DataError
from data.labels import STEM_TO_MASK, age_bucket, encode
from data.reading import read_data

HEADER = "id,path,stem,field,from,to,reason"


def person(id_: str, gender: int, years: int) -> pd.DataFrame:
    folder = f"{id_}_{('male', 'female')[gender]}_Asian_{years}"
    names = [f"{folder}/{stem}.jpg" for stem in STEM_TO_MASK]
    table = pd.DataFrame(
        {
            "image_id": names,
            "path": [f"train/images/{name}" for name in names],
            "person": folder,
            "id": id_,
            "mask": list(STEM_TO_MASK.values()),
            "gender": gender,
            "years": years,
            "age": int(age_bucket(years)),
        }
    )
    return table.assign(target=encode(table["mask"], table["gender"], table["age"]))


@pytest.fixture
def train() -> pd.DataFrame:
    """Three people, two of one id."""
    return pd.concat([person("000020", 1, 50), person("003397", 0, 19), person("003397", 1, 18)], ignore_index=True)


def csv(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    (tmp_path / "corrections.csv").write_text("\n".join((header, *rows)) + "\n")
    return tmp_path / "corrections.csv"


def changed(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, int]:
    """Number of rows that differ, column by column."""
    differ = (before[after.columns] != after).sum()
    return {str(column): int(count) for column, count in differ.items() if count}


def test_a_gender_is_corrected_on_all_seven_images(tmp_path: Path, train: pd.DataFrame) -> None:
    before = train.copy()
    result = apply_corrections(train, csv(tmp_path, "000020,,,gender,female,male,seen"))
    assert changed(train, result.train) == {"gender": 7, "target": 7}
    assert result.train["target"][:7].tolist() == [1, 1, 1, 1, 1, 7, 13]
    assert (result.rows_changed, result.skipped) == (7, ())
    pd.testing.assert_frame_equal(train, before)  # the table given is left alone


def test_swapped_images_are_corrected_by_two_rows(tmp_path: Path, train: pd.DataFrame) -> None:
    file = csv(
        tmp_path, "000020,,incorrect_mask,mask,incorrect,absent,swapped", "000020,,normal,mask,absent,incorrect,swapped"
    )
    result = apply_corrections(train, file)
    assert result.train["mask"][:7].tolist() == [0, 0, 0, 0, 0, 2, 1]
    assert result.train["target"][:7].tolist() == [4, 4, 4, 4, 4, 16, 10]
    assert changed(train, result.train) == {"mask": 2, "target": 2}
    assert result.rows_changed == 2


def test_an_age_moves_the_bucket_and_the_class(tmp_path: Path, train: pd.DataFrame) -> None:
    result = apply_corrections(train, csv(tmp_path, "000020,,,age,50,60,seen"))
    assert set(result.train["years"][:7]) == {60} and set(result.train["age"][:7]) == {2}
    assert changed(train, result.train) == {"years": 7, "age": 7, "target": 7}


def test_an_image_corrected_in_two_fields_counts_once(tmp_path: Path, train: pd.DataFrame) -> None:
    file = csv(tmp_path, "000020,,mask1,gender,female,male,seen", "000020,,mask1,age,50,60,seen")
    result = apply_corrections(train, file)
    assert result.rows_changed == 1
    assert result.train["target"][0] == 2


def test_a_path_tells_two_people_of_one_id_apart(tmp_path: Path, train: pd.DataFrame) -> None:
    with pytest.raises(
        DataError,
        match="row 2: id '003397' names 2 people; expected a column path with "
        "'003397_female_Asian_18', '003397_male_Asian_19'",
    ):
        apply_corrections(train, csv(tmp_path, "003397,,,gender,male,female,seen"))
    result = apply_corrections(train, csv(tmp_path, "003397,003397_male_Asian_19,,gender,male,female,seen"))
    assert changed(train, result.train) == {"gender": 7, "target": 7}
    assert set(result.train["gender"][7:14]) == {1}


def test_the_column_path_is_optional(tmp_path: Path, train: pd.DataFrame) -> None:
    file = csv(tmp_path, "000020,,gender,female,male,seen", header="id,stem,field,from,to,reason")
    assert apply_corrections(train, file).rows_changed == 7


def test_a_path_is_not_misled_by_an_id_without_zeros_but_by_another_id(tmp_path: Path, train: pd.DataFrame) -> None:
    file = csv(tmp_path, "20,000020_female_Asian_50,,gender,female,male,seen")
    assert apply_corrections(train, file).rows_changed == 7
    with pytest.raises(DataError, match="row 2: id is '000021'; expected '000020', the id of 000020_female_Asian_50"):
        apply_corrections(train, csv(tmp_path, "000021,000020_female_Asian_50,,gender,female,male,seen"))


def test_people_and_images_that_are_not_there_are_skipped_and_named(tmp_path: Path, train: pd.DataFrame) -> None:
    file = csv(
        tmp_path,
        "999999,,,gender,female,male,seen",
        "000020,000020_other,normal,mask,absent,worn,seen",
        "000020,,normal,mask,absent,worn,seen",
    )
    result = apply_corrections(train[train["mask"] != 2], file)
    assert result.rows_changed == 0
    assert result.skipped == ("row 2: 999999", "row 3: 000020_other normal", "row 4: 000020 normal")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("000020,,,race,Asian,x,seen", "field is 'race'; expected mask, gender or age."),
        ("000020,,mask6,mask,worn,absent,seen", "stem is 'mask6'; expected one of mask1, mask2"),
        ("000020,,,gender,Female,male,seen", "from is 'Female'; expected male or female."),
        ("000020,,normal,mask,absent,normal,seen", "to is 'normal'; expected worn or incorrect or absent."),
        ("000020,,,age,50,old,seen", "to is 'old'; expected whole years from 0 to 120."),
        ("000020,,,age,50,121,seen", "to is '121'; expected whole years from 0 to 120."),
        ("000020,,,age,50,99999999,seen", "to is '99999999'; expected whole years from 0 to 120."),
        ("000020,,,age,50,0000999,seen", "to is '0000999'; expected whole years from 0 to 120."),
        (f"000020,,,age,50,{'0' * 5000},seen", "to is '000000"),
        ("000020,,,gender,female,male, ", "reason is empty; expected why the label is wrong."),
        ("000020,,,gender,female,female,seen", "from and to are both 'female'; expected two values."),
        (
            "000020,,,gender,male,female,seen",
            "the gender of '000020_female_Asian_50/mask1.jpg' is female; expected male",
        ),
        ("000020,,,age,49,60,seen", "the age of '000020_female_Asian_50/mask1.jpg' is 50; expected 49"),
        ("000020,,,mask,worn,absent,seen", "the mask of '000020_female_Asian_50/incorrect_mask.jpg' is incorrect;"),
    ],
)
def test_a_wrong_correction_names_its_row(tmp_path: Path, train: pd.DataFrame, row: str, said: str) -> None:
    file = csv(tmp_path, row)
    with pytest.raises(DataError) as caught:
        apply_corrections(train, file)
    assert str(caught.value).startswith(f"{file}, row 2: {said}")


def test_two_rows_for_one_label_are_refused(tmp_path: Path, train: pd.DataFrame) -> None:
    file = csv(tmp_path, "000020,,,gender,female,male,seen", "000020,,mask2,gender,female,male,seen")
    with pytest.raises(DataError, match="row 3: the gender of .*/mask2.jpg' is corrected by .*row 2 already"):
        apply_corrections(train, file)


def test_a_generic_data_set_has_nothing_to_correct(tmp_path: Path, train: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="corrects mask, gender or age; this data set has only labels"):
        apply_corrections(train[["image_id", "path", "person", "target"]], csv(tmp_path, "1,,,gender,male,female,x"))


# -- the shipped file, through the reader ------------------------------------------------------------------------------

SHIPPED = {  # the known wrong labels: folder -> (field, images, from, to)
    "001498-1_male_Asian_23": ("gender", 7),
    "004432_male_Asian_43": ("gender", 7),
    **{f"00{number}_female_Asian_18": ("gender", 7) for number in range(6359, 6365)},
    "000020_female_Asian_50": ("mask", 2),
    "004418_male_Asian_20": ("mask", 2),
    "005227_male_Asian_22": ("mask", 2),
}


def competition(root: Path, *folders: str) -> Path:
    rows = ["id,gender,race,age,path"]
    for folder in folders:
        id_, gender, race, years = folder.split("_")
        rows.append(f"{id_},{gender},{race},{years},{folder}")
        (root / "train/images" / folder).mkdir(parents=True)
        for stem in STEM_TO_MASK:
            (root / "train/images" / folder / f"{stem}.jpg").touch()
    (root / "train/train.csv").write_text("\n".join(rows) + "\n")
    return root


def test_the_shipped_file_corrects_every_known_person(tmp_path: Path) -> None:
    root = competition(tmp_path, *SHIPPED, "000021_female_Asian_30")
    plain, corrected = read_data(root), read_data(root, MASK_CORRECTIONS)
    assert corrected.warnings == ()
    assert corrected.corrected_rows == 8 * 7 + 3 * 2
    differ = plain.train["target"] != corrected.train["target"]
    for folder, (field, images) in SHIPPED.items():
        rows = plain.train["person"] == folder
        assert differ[rows].sum() == images
        other = "mask" if field == "gender" else "gender"
        assert (plain.train.loc[rows, other] == corrected.train.loc[rows, other]).all()
        if field == "gender":
            assert (plain.train.loc[rows, "gender"] + corrected.train.loc[rows, "gender"] == 1).all()
        else:
            assert corrected.train.loc[rows, "mask"].tolist() == [0, 0, 0, 0, 0, 2, 1]
    assert not differ[plain.train["person"] == "000021_female_Asian_30"].any()


def test_the_shipped_file_serves_a_subset_and_says_what_it_skipped(tmp_path: Path) -> None:
    data = read_data(competition(tmp_path, "004432_male_Asian_43"), MASK_CORRECTIONS)
    assert data.corrected_rows == 7
    assert len(data.warnings) == 1
    assert data.warnings[0].startswith(f"{MASK_CORRECTIONS}: 13 corrections skipped, the data has no such image: ")
    assert "001498-1_male_Asian_23" in data.warnings[0]


def test_the_shipped_file_leaves_other_data_with_the_same_ids_alone(tmp_path: Path) -> None:
    data = read_data(competition(tmp_path, "000020_female_white_35"), MASK_CORRECTIONS)
    assert data.corrected_rows == 0
    assert data.train["mask"].tolist() == list(STEM_TO_MASK.values())
