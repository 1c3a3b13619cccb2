"""A repair changes nothing a file means, and what it writes passes the check."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.submissions.check import check_file
from analysis.submissions.repair import repair
from data.errors import DataError
from data.submission import SubmissionForm, read_answers

IDS = tuple(f"{number:040x}.jpg" for number in (7, 3, 200, 41, 5, 0, 99, 12))
FORM = SubmissionForm("ImageID", "ans", IDS, tuple(map(str, range(18))))


@st.composite
def safely_broken(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """A file that means what its labels say, written in an unusual way."""
    labels = draw(st.lists(st.integers(0, 17), min_size=len(IDS), max_size=len(IDS)))
    blanks = st.sampled_from(["", "", " ", "\t", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}"])
    endings = st.sampled_from(["", "", ".0", ".", ".000"])
    rows = [[draw(blanks) + name + draw(blanks), draw(blanks) + str(label) + draw(endings) + draw(blanks)]
            for name, label in zip(IDS, labels, strict=True)]
    rows = draw(st.permutations(rows))
    header = ["ImageID" + draw(blanks), draw(blanks) + "ans"]
    if draw(st.booleans()):
        header, rows = header[::-1], [row[::-1] for row in rows]
    index = draw(st.sampled_from([None, "", "index", "Unnamed: 0"]))
    if index is not None:
        header, rows = [index, *header], [[str(number), *row] for number, row in enumerate(rows)]
    delimiter = draw(st.sampled_from([",", ",", ";", "|"]))
    lines = [delimiter.join(cells) for cells in [header, *rows]]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join(lines) + draw(st.sampled_from(["", end, end + delimiter * (len(header) - 1) + end]))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode(), labels


@given(safely_broken())
@settings(max_examples=80, deadline=None)
def test_what_is_repaired_passes_and_means_the_same(
    tmp_path_factory: pytest.TempPathFactory, broken: tuple[bytes, list[int]]
) -> None:
    content, labels = broken
    folder = tmp_path_factory.mktemp("repair")
    (folder / "broken.csv").write_bytes(content)
    checked = check_file(folder / "broken.csv", FORM)
    assert checked.repairable, checked.problems
    if not checked.problems:
        assert read_answers(folder / "broken.csv", FORM).tolist() == labels
        return
    said = repair(folder / "broken.csv", checked, FORM, folder / "fixed.csv")
    assert {line.partition(":")[0] for line in said} == {problem.kind for problem in checked.problems}
    assert check_file(folder / "fixed.csv", FORM).problems == ()
    assert read_answers(folder / "fixed.csv", FORM).tolist() == labels
    assert (folder / "broken.csv").read_bytes() == content


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "submission.csv"
    path.write_text(text)
    return path


GOOD = "ImageID,ans\n" + "".join(f"{name},3\n" for name in IDS)


def test_each_repair_is_said_with_how_often(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace(",3", ",3.0").replace("ImageID,", "ImageID ,"))
    said = repair(path, check_file(path, FORM), FORM, tmp_path / "fixed.csv")
    assert said == ["blanks around a column's name: in one place", "answer written as 13.0: in 8 places"]
    assert (tmp_path / "fixed.csv").read_text() == GOOD


@pytest.mark.parametrize("text", [
    GOOD.replace(f"{IDS[2]},3", f"{IDS[2]},18"), GOOD.replace(IDS[2], IDS[2].upper()),
    GOOD.replace(f"{IDS[2]},3\n", ""),
    GOOD + GOOD.splitlines()[1] + "\n", GOOD.removeprefix("ImageID,ans\n"), GOOD.replace("ImageID", "id"),
    GOOD.replace("ImageID,ans", "ImageID,ans,p").replace(",3\n", ",3,1\n"), GOOD.replace(f"{IDS[2]},3", f"{IDS[2]},"),
])
def test_what_can_not_be_known_is_not_repaired(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text.replace(f"{IDS[0]},3", f"{IDS[0]},3.0"))
    with pytest.raises(DataError, match="can't be repaired, for what it should hold is not beyond doubt: "):
        repair(path, check_file(path, FORM), FORM, tmp_path / "fixed.csv")
    assert list(tmp_path.iterdir()) == [path]


def test_a_good_file_and_a_file_that_is_there_are_left(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    with pytest.raises(DataError, match="has nothing to repair; nothing was written"):
        repair(path, check_file(path, FORM), FORM, tmp_path / "fixed.csv")
    path = written(tmp_path, GOOD.replace(",3", ", 3"))
    for out in (path, tmp_path / "other.csv"):
        out.touch()
        with pytest.raises(DataError, match="exists; a repaired file is a new one"):
            repair(path, check_file(path, FORM), FORM, out)


def test_answers_need_not_be_known_to_be_repaired(tmp_path: Path) -> None:
    form = SubmissionForm("ImageID", "ans", IDS, ())
    rows = np.random.default_rng(0).permutation([f"{name}, label {place}\n" for place, name in enumerate(IDS)])
    path = written(tmp_path, "ImageID,ans\n" + "".join(rows))
    repair(path, check_file(path, form), form, tmp_path / "fixed.csv")
    expected = "".join(f"{name},label {place}\n" for place, name in enumerate(IDS))
    assert (tmp_path / "fixed.csv").read_text() == "ImageID,ans\n" + expected
