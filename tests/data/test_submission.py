"""A submission holds the test set's ids in its order with clean answers, or is not written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.labels import CLASS_NAMES
from data.metadata import ImageData
from data.submission import (
    SubmissionForm,
    check_submission,
    read_answers,
    submission_form,
    write_answers,
    write_submission,
)

IDS = ["c.jpg", "a.jpg", "b.jpg"]


def image_data(form: str = "mask", ids: list[str] = IDS) -> ImageData:
    """Only what a submission needs: three test images whose order is not alphabetical."""
    test = pd.DataFrame({"image_id": ids, "path": ids}, dtype="str")
    train = pd.DataFrame({"image_id": [], "path": [], "person": [], "target": []})
    names = CLASS_NAMES if form == "mask" else ("ant", "bee, honey", "01")
    columns = ("ImageID", "ans") if form == "mask" else ("path", "label")
    return ImageData(Path("root"), form, train, test, names, *columns, hidden_files=())


def test_rows_are_joined_by_id_into_the_test_sets_order(tmp_path: Path) -> None:
    file = tmp_path / "submission.csv"
    write_submission(file, image_data(), ["a.jpg", "b.jpg", "c.jpg"], np.array([1, 17, 0]))
    assert file.read_bytes() == b"ImageID,ans\nc.jpg,0\na.jpg,1\nb.jpg,17\n"
    assert check_submission(file, image_data()).tolist() == [0, 1, 17]
    assert list(tmp_path.iterdir()) == [file]


def test_a_generic_submission_holds_label_texts(tmp_path: Path) -> None:
    file = tmp_path / "submission.csv"
    write_submission(file, image_data("csv"), IDS, [2, 1, 0])
    assert file.read_text() == 'path,label\nc.jpg,01\na.jpg,"bee, honey"\nb.jpg,ant\n'
    assert check_submission(file, image_data("csv")).tolist() == [2, 1, 0]


def test_a_form_needs_no_data_folder(tmp_path: Path) -> None:
    form = submission_form(image_data("csv"))
    assert form == SubmissionForm("path", "label", ("c.jpg", "a.jpg", "b.jpg"), ("ant", "bee, honey", "01"))
    write_answers(tmp_path / "form.csv", form, ["a.jpg", "b.jpg", "c.jpg"], [2, 0, 1])
    write_submission(tmp_path / "data.csv", image_data("csv"), ["a.jpg", "b.jpg", "c.jpg"], [2, 0, 1])
    assert (tmp_path / "form.csv").read_bytes() == (tmp_path / "data.csv").read_bytes()
    assert read_answers(tmp_path / "form.csv", form).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("form", "words"), [("mask", "an integer from 0 to 17"), ("csv", "'ant', 'bee, honey', '01'")]
)
def test_what_an_answer_may_be_is_said_in_words(form: str, words: str) -> None:
    assert submission_form(image_data(form)).answers_in_words == words


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_any_integer_type_is_an_integer(tmp_path: Path, dtype: str) -> None:
    write_submission(tmp_path / "s.csv", image_data(), IDS, np.array([3, 4, 5], dtype))
    assert check_submission(tmp_path / "s.csv", image_data()).dtype == np.int64


@given(order=st.permutations(range(20)), labels=st.lists(st.integers(0, 17), min_size=20, max_size=20))
@settings(max_examples=30, deadline=None)
def test_any_order_of_predictions_gives_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], labels: list[int]
) -> None:
    data = image_data(ids=[f"{number:02d}.jpg" for number in range(20)])
    file = tmp_path_factory.mktemp("any") / "s.csv"
    write_submission(file, data, [f"{number:02d}.jpg" for number in order], [labels[number] for number in order])
    assert check_submission(file, data).tolist() == labels


@pytest.mark.parametrize(
    ("ids", "labels", "said"),
    [
        (["a.jpg", "b.jpg"], [1, 2], "no answer for 1 of 3 test ids: 'c.jpg'"),
        ([*IDS, "d.jpg"], [1, 2, 3, 4], "1 ids that are not in the test set: 'd.jpg'"),
        ([*IDS, "a.jpg"], [1, 2, 3, 4], "1 ids twice: 'a.jpg'"),
        (["A.jpg", "b.jpg", "c.jpg"], [1, 2, 3], "ids that are not in the test set: 'A.jpg'"),
        (IDS, [1, 2], r"labels have shape \(2,\); expected \(3,\)"),
        (IDS, [[1], [2], [3]], r"labels have shape \(3, 1\); expected \(3,\)"),
        (IDS, [1.0, 2.0, 13.0], "labels are of type float64; expected integers from 0 to 17"),
        (IDS, [True, False, True], "labels are of type bool; expected integers"),
        (IDS, ["1", "2", "3"], "labels are of type <U1; expected integers"),
        (IDS, [0, 18, 1], "label is 18; expected integers from 0 to 17"),
        (IDS, [0, -1, 1], "label is -1; expected integers from 0 to 17"),
    ],
)
def test_wrong_predictions_are_not_written(tmp_path: Path, ids: list[str], labels: list[object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        write_submission(tmp_path / "s.csv", image_data(), ids, labels)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1.jpg", "-1.jpg", "@SUM(A1)", "\ta.jpg", "\ra.jpg"])
def test_ids_that_a_spreadsheet_would_run_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="start like a spreadsheet formula"):
        write_submission(tmp_path / "s.csv", image_data(ids=[name]), [name], [0])
    assert list(tmp_path.iterdir()) == []


def test_without_a_test_set_there_is_no_submission(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="root has no test set; expected one to write"):
        write_submission(tmp_path / "s.csv", image_data(ids=[]), [], np.array([], int))


def test_a_failed_write_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "s.csv"
    write_submission(file, image_data(), IDS, [1, 2, 3])
    before = file.read_bytes()

    def full_disk(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data.submission.os.replace", full_disk)
    with pytest.raises(DataError, match="s.csv can't be written: No space left on device"):
        write_submission(file, image_data(), IDS, [3, 2, 1])
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_does_not_pass_its_check_does_not_take_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, form: SubmissionForm) -> None:
        raise DataError(f"{path.read_text().count('.jpg')} rows are wrong.")

    monkeypatch.setattr("data.submission.read_answers", fails)
    with pytest.raises(DataError, match="3 rows are wrong"):
        write_submission(tmp_path / "s.csv", image_data(), IDS, [1, 2, 3])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="s.csv can't be written: No such file or directory"):
        write_submission(tmp_path / "none/s.csv", image_data(), IDS, [1, 2, 3])


def test_the_file_can_be_read_by_others_as_any_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_submission(tmp_path / "s.csv", image_data(), IDS, [1, 2, 3])
    assert (tmp_path / "s.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


GOOD = "ImageID,ans\nc.jpg,0\na.jpg,1\nb.jpg,17\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD.replace("17", "13.0"), "row 4: ans is '13.0'; expected an integer from 0 to 17."),
        (GOOD.replace("17", "18"), "row 4: ans is '18'; expected an integer from 0 to 17."),
        (GOOD.replace("17", "-1"), "row 4: ans is '-1'; expected an integer from 0 to 17."),
        (GOOD.replace("17", "07"), "row 4: ans is '07'; expected an integer from 0 to 17."),
        (GOOD.replace("17", " 7"), "row 4: ans is ' 7'; expected an integer from 0 to 17."),
        (GOOD.replace("17", ""), "row 4: ans is ''; expected an integer from 0 to 17."),
        (
            ",ImageID,ans\n0,c.jpg,0\n1,a.jpg,1\n2,b.jpg,17\n",
            "row 1: the columns are '', 'ImageID', 'ans'; expected only",
        ),
        ("ImageID,ans,p\nc.jpg,0,1\na.jpg,1,1\nb.jpg,17,1\n", "row 1: the columns are 'ImageID', 'ans', 'p'; expected"),
        (
            "ans,ImageID\n0,c.jpg\n1,a.jpg\n17,b.jpg\n",
            "row 1: the columns are 'ans', 'ImageID'; expected only ImageID,ans",
        ),
        ("ImageID,label\nc.jpg,0\na.jpg,1\nb.jpg,17\n", "row 1: no column ans"),
        (
            "ImageID,ans\na.jpg,1\nb.jpg,17\nc.jpg,0\n",
            "row 2: ImageID is 'a.jpg'; expected 'c.jpg', as in the test set's",
        ),
        ("ImageID,ans\nc.jpg,0\na.jpg,1\n", ": no answer for 1 of 3 test ids: 'b.jpg'"),
        (GOOD + "d.jpg,0\n", ": 1 ids that are not in the test set: 'd.jpg'"),
        (GOOD + "c.jpg,0\n", ": 1 ids twice: 'c.jpg'"),
        (GOOD + "e.jpg\n", "row 5: 1 cells; expected 2"),
    ],
)
def test_a_broken_file_is_named_with_its_row(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(DataError) as caught:
        check_submission(tmp_path / "s.csv", image_data())
    assert str(caught.value).removeprefix(f"{tmp_path / 's.csv'}").removeprefix(", ").startswith(said)


def test_a_generic_answer_must_be_a_label(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("path,label\nc.jpg,1\na.jpg,ant\nb.jpg,ant\n")
    with pytest.raises(DataError, match="row 2: label is '1'; expected 'ant', 'bee, honey', '01'."):
        check_submission(tmp_path / "s.csv", image_data("csv"))
