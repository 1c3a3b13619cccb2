"""Suspected labels written as a corrections file are read back by the data layer, and change what they name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.suspect_corrections import write_corrections
from analysis.mistakes.suspects import Suspect
from benchmarks.simulated_runs import Trial
from data.corrections import apply_corrections
from data.csv_rows import read_rows
from data.errors import DataError
from data.labels import age_bucket
from data.metadata import ImageData
from data.reading import read_data


@pytest.fixture
def data(written_trial: Trial) -> ImageData:
    return written_trial.data


def judged_as_labelled(data: ImageData) -> JudgedImages:
    """The data's images; who judged them how is no matter here."""
    table = data.train
    return JudgedImages(
        image_ids=np.array(table["image_id"].tolist()),
        paths=np.array(table["path"].tolist()),
        persons=np.array(table["person"].tolist()),
        targets=table["target"].to_numpy(np.int64),
        probabilities=np.full((len(table), 18), 1 / 18, np.float32),
        class_names=data.class_names,
    )


def suspect(judged: JudgedImages, rows: list[int], factor: str, given: str, suggested: str) -> Suspect:
    return Suspect(
        person=str(judged.persons[rows[0]]), factor=factor, rows=np.array(rows), given=given, suggested=suggested,
        probability=0.9, of_given=0.05, swapped=False, context="judged otherwise",
    )  # fmt: skip


def suspects_of(data: ImageData, judged: JudgedImages) -> list[Suspect]:
    """A gender, an age and a swap, of three persons."""
    genders, ages = ("male", "female"), ("<30", "30-59", ">=60")
    first, second = data.train.iloc[0], data.train.iloc[7]
    return [
        suspect(judged, list(range(7)), "gender", genders[first["gender"]], genders[1 - first["gender"]]),
        suspect(judged, list(range(7, 14)), "age", ages[second["age"]], ages[(second["age"] + 1) % 3]),
        suspect(judged, [19], "mask", "incorrect", "absent"),
        suspect(judged, [20], "mask", "absent", "incorrect"),
    ]


def test_the_file_changes_exactly_the_suspected_labels(data: ImageData, tmp_path: Path) -> None:
    judged = judged_as_labelled(data)
    file = tmp_path / "suspects.csv"
    written = write_corrections(file, judged, suspects_of(data, judged), data, data, None)
    assert (written.suspects, written.earlier, written.left_out) == (4, 0, ())
    result = apply_corrections(data.train, file)
    assert result.rows_changed == 16 and result.skipped == ()
    before, after = data.train, result.train
    assert ((before["gender"] + after["gender"])[:7] == 1).all()
    assert ((before["age"][7:14] + 1) % 3 == after["age"][7:14]).all()
    assert after["mask"][19:21].tolist() == [2, 1]
    assert (before[21:] == after[21:]).all().all()
    assert all("not looked at yet" in reason for reason in pd.read_csv(file)["reason"])


@pytest.mark.parametrize(
    ("years", "bucket", "nearest"),
    [(25, "30-59", "30"), (25, ">=60", "60"), (45, "<30", "29"), (45, ">=60", "60"), (60, "30-59", "59")],
)
def test_an_age_goes_to_the_nearest_year_of_the_bucket(
    data: ImageData, tmp_path: Path, years: int, bucket: str, nearest: str
) -> None:
    row = int(np.argmax(data.train["years"] == years))
    judged = judged_as_labelled(data)
    given = ("<30", "30-59", ">=60")[int(age_bucket(years))]
    person = list(range(row // 7 * 7, row // 7 * 7 + 7))
    file = tmp_path / "suspects.csv"
    write_corrections(file, judged, [suspect(judged, person, "age", given, bucket)], data, data, None)
    rows, _ = read_rows(file, ("from", "to"))
    assert rows[["from", "to"]].to_numpy().tolist() == [[str(years), nearest]]
    assert apply_corrections(data.train, file).rows_changed == 7


def test_what_the_run_was_corrected_by_stays_in_the_file(data: ImageData, tmp_path: Path) -> None:
    """An experiment names one corrections file, so the new one must hold the old one's rows as well."""
    judged = judged_as_labelled(data)
    all_four = suspects_of(data, judged)
    earlier = tmp_path / "earlier.csv"
    write_corrections(earlier, judged, all_four[:1], data, data, None)
    corrected = read_data(data.root, earlier)
    judged = judged_as_labelled(corrected)
    back = suspect(judged, list(range(7)), "gender", all_four[0].suggested, all_four[0].given)
    file = tmp_path / "suspects.csv"
    written = write_corrections(file, judged, [back, *all_four[1:]], data, corrected, earlier)
    assert (written.suspects, written.earlier) == (3, 1)
    (sentence,) = written.left_out
    assert "gender of '" in sentence and "the run was made with a correction of it" in sentence
    assert apply_corrections(data.train, file).rows_changed == 16


def test_people_who_share_an_id_are_told_apart(data: ImageData, tmp_path: Path) -> None:
    """As 003397 is two people in the competition."""
    train = data.train.assign(id=data.train["id"].replace({data.train["id"][7]: data.train["id"][0]}))
    shared = ImageData(data.root, "mask", train, data.test, data.class_names, "ImageID", "ans", ())
    judged = judged_as_labelled(shared)
    file = tmp_path / "suspects.csv"
    write_corrections(file, judged, suspects_of(shared, judged)[:1], shared, shared, None)
    changed = apply_corrections(train, file).train["gender"] != train["gender"]
    assert changed.to_numpy().nonzero()[0].tolist() == list(range(7))


def test_nothing_is_written_without_a_suspect(data: ImageData, tmp_path: Path) -> None:
    file = tmp_path / "suspects.csv"
    assert write_corrections(file, judged_as_labelled(data), [], data, data, None).suspects == 0
    assert not file.exists()


def test_a_file_that_is_there_is_not_overwritten(data: ImageData, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("looked through for an hour")
    judged = judged_as_labelled(data)
    with pytest.raises(DataError, match=r"mine\.csv is there already; name a new file"):
        write_corrections(file, judged, suspects_of(data, judged), data, data, None)
    assert file.read_text() == "looked through for an hour"


def test_other_data_than_the_run_s_is_refused(data: ImageData, tmp_path: Path) -> None:
    judged = judged_as_labelled(data)
    other = ImageData(data.root, "mask", data.train[5:], data.test, data.class_names, "ImageID", "ans", ())
    with pytest.raises(DataError, match="another label for 5 of the run's 280 images, or lacks them, such as '"):
        write_corrections(tmp_path / "s.csv", judged, [], other, other, None)
    changed = data.train.assign(target=(data.train["target"] + 1) % 18)
    other = ImageData(data.root, "mask", changed, data.test, data.class_names, "ImageID", "ans", ())
    with pytest.raises(DataError, match="another label for 280 of the run's 280 images"):
        write_corrections(tmp_path / "s.csv", judged, [], other, other, None)


def test_generic_data_has_nothing_to_correct(data: ImageData, tmp_path: Path) -> None:
    table = data.train[["image_id", "path", "person", "target"]]
    generic = ImageData(data.root, "csv", table, data.test, data.class_names, "path", "label", ())
    with pytest.raises(DataError, match="corrections are of mask, gender or age; the data at .* has only labels"):
        write_corrections(tmp_path / "s.csv", judged_as_labelled(data), [], generic, generic, None)


def test_a_name_that_a_spreadsheet_would_run_is_left_out(
    data: ImageData, tmp_path: Path, judge: Callable[..., JudgedImages]
) -> None:
    table = data.train.replace({"person": {data.train["person"][0]: "=1+1"}})
    hostile = ImageData(data.root, "mask", table, data.test, data.class_names, "ImageID", "ans", ())
    judged = judged_as_labelled(hostile)
    file = tmp_path / "s.csv"
    written = write_corrections(file, judged, suspects_of(hostile, judged), hostile, hostile, None)
    assert written.suspects == 3 and "starts like a spreadsheet formula" in written.left_out[0]
    assert "=1+1" not in file.read_text()


def test_a_reason_in_the_earlier_file_that_a_spreadsheet_would_run_is_made_text(
    data: ImageData, tmp_path: Path
) -> None:
    judged = judged_as_labelled(data)
    earlier = tmp_path / "earlier.csv"
    write_corrections(earlier, judged, suspects_of(data, judged)[:1], data, data, None)
    text = earlier.read_text().replace('"suspected', '"=HYPERLINK(0) suspected')
    assert "=HYPERLINK" in text
    earlier.write_text(text)
    corrected = read_data(data.root, earlier)
    file = tmp_path / "s.csv"
    write_corrections(file, judged_as_labelled(corrected), suspects_of(data, judged)[1:], data, corrected, earlier)
    rows, _ = read_rows(file, ("reason",))
    assert rows["reason"].iloc[0].startswith("'=HYPERLINK") and len(rows) == 4
