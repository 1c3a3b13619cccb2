"""A submission and its record are written together, and only over their own earlier selves."""

from pathlib import Path

import pytest

from analysis.submissions.recorded import check_writable, record_path, write_recorded
from data.errors import DataError
from data.submission import SubmissionForm
from runners.state import file_digest, read_json

FORM = SubmissionForm("ImageID", "ans", ("b.jpg", "a.jpg"), ("0", "1"))


def test_the_record_knows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    digest = write_recorded(path, FORM, ["a.jpg", "b.jpg"], [0, 1], {"method": "mean"})
    assert path.read_text() == "ImageID,ans\nb.jpg,1\na.jpg,0\n"
    assert read_json(record_path(path)) == {"file": "out.csv", "sha256": file_digest(path), "method": "mean"}
    assert digest == file_digest(path) and sorted(each.name for each in tmp_path.iterdir()) == ["out.csv", "out.json"]
    write_recorded(path, FORM, ["a.jpg", "b.jpg"], [1, 1], {})
    assert path.read_text().endswith("a.jpg,1\n") and "method" not in read_json(record_path(path))


def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(DataError, match="out.csv: there already, and not a submission with the record of it"):
        write_recorded(path, FORM, ["a.jpg", "b.jpg"], [0, 1], {})
    assert path.read_text() == "mine"
    path.unlink()
    write_recorded(path, FORM, ["a.jpg", "b.jpg"], [0, 1], {})
    path.write_text(path.read_text().replace("1", "0"))         # changed by hand since
    with pytest.raises(DataError, match="out.csv and .*out.json: there already"):
        check_writable(path)
    path.unlink()
    with pytest.raises(DataError, match="^[^ ]*out.json: there already"):
        check_writable(path)


@pytest.mark.parametrize(("name", "said"), [
    ("out.json", "name ends in .csv"), ("none/out.csv", "none is no folder"),
])
def test_a_name_that_can_not_be_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        check_writable(tmp_path / name)
