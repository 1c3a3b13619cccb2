"""Every broken file is refused with its line and the reason; what any reader of CSV accepts is accepted."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.submissions.check import CheckedFile, check_file
from analysis.submissions.problems import by_kind
from data.errors import DataError
from data.submission import SubmissionForm, read_answers

IDS = ("c3e1.jpg", "a0f2.jpg", "b1d7.jpg", "d9c4.jpg")
FORM = SubmissionForm("ImageID", "ans", IDS, tuple(map(str, range(18))))
LABELS = SubmissionForm("path", "label", ("x/1.png", "x/2.png"), ("ant", "bee, honey", "01"))
GOOD = "ImageID,ans\nc3e1.jpg,0\na0f2.jpg,1\nb1d7.jpg,17\nd9c4.jpg,3\n"
GENERIC = 'path,label\nx/1.png,ant\nx/2.png,"bee, honey"\n'


def checked(tmp_path: Path, content: str | bytes, form: SubmissionForm = FORM) -> CheckedFile:
    path = tmp_path / "submission.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return check_file(path, form)


@pytest.mark.parametrize("content", [
    GOOD, GOOD.replace("\n", "\r\n"), GOOD.rstrip("\n"), GOOD.replace("\n", "\n\n"), GOOD.replace("\n", "\r"),
    GOOD.replace("a0f2.jpg", '"a0f2.jpg"'),
])
def test_what_readers_of_csv_accept_is_accepted(tmp_path: Path, content: str) -> None:
    assert checked(tmp_path, content).problems == ()
    assert read_answers(tmp_path / "submission.csv", FORM).tolist() == [0, 1, 17, 3]


def test_labels_are_accepted_where_labels_are_due(tmp_path: Path) -> None:
    assert checked(tmp_path, GENERIC, LABELS).problems == ()


BROKEN: list[tuple[str, str | bytes, str, int, str]] = [
    # kind, file, its line, part of the reason
    ("missing id", GOOD.replace("a0f2.jpg,1\n", ""), "", 0, "no row for ImageID 'a0f2.jpg'"),
    ("unknown id", GOOD + "ffff.jpg,2\n", "", 6, "ImageID is 'ffff.jpg', which the test set does not have"),
    ("duplicate id", GOOD + "c3e1.jpg,0\n", "", 6, "'c3e1.jpg' is in line 2 too, with the same answer"),
    ("duplicate id", GOOD + "c3e1.jpg,5\n", "", 6, "in line 2 too, with another answer, '0'"),
    ("ids in another order", "ImageID,ans\na0f2.jpg,1\nc3e1.jpg,0\nb1d7.jpg,17\nd9c4.jpg,3\n", "fix", 2,
     "2 of 4 rows are out of the test set's order; the first has ImageID 'a0f2.jpg', expected 'c3e1.jpg'"),
    ("answer written as 13.0", GOOD.replace("17", "13.0"), "fix", 4, "ans is '13.0'; expected '13'"),
    ("answer written as 13.0", GOOD.replace("17", "13."), "fix", 4, "ans is '13.'; expected '13'"),
    ("class out of range", GOOD.replace("17", "18"), "", 4, "ans is '18'; expected an integer from 0 to 17"),
    ("class out of range", GOOD.replace("17", "18.0"), "", 4, "ans is '18.0'"),
    ("negative class", GOOD.replace("17", "-1"), "", 4, "ans is '-1'"),
    ("text where a class is due", GOOD.replace("17", "worn"), "", 4, "ans is 'worn'"),
    ("text where a class is due", GOOD.replace("17", "True"), "", 4, "ans is 'True'"),
    ("fraction where a class is due", GOOD.replace("17", "0.93"), "", 4, "ans is '0.93'"),
    ("scientific notation", GOOD.replace("17", "1.3E+01"), "", 4, "ans is '1.3E+01'"),
    ("scientific notation", GOOD.replace("c3e1.jpg", "3.36E+39"), "", 2, "ImageID is '3.36E+39'"),
    ("answer not in plain digits", GOOD.replace("17", "07"), "", 4, "ans is '07'"),
    ("answer not in plain digits", GOOD.replace("17", "+7"), "", 4, "ans is '+7'"),
    ("answer not in plain digits", GOOD.replace("17", "\N{FULLWIDTH DIGIT SEVEN}"), "", 4, "ans is"),
    ("empty answer", GOOD.replace("17", ""), "", 4, "ans is ''; expected an integer from 0 to 17"),
    ("empty answer", GOOD.replace("17", "nan"), "", 4, "ans is 'nan'"),
    ("formula", GOOD.replace("17", "=17"), "", 4, "ans is '=17'"),
    ("formula", GOOD.replace("c3e1", "=c3e1"), "", 2, "ImageID is '=c3e1.jpg'"),
    ("blanks around an answer", GOOD.replace("17", " 17"), "fix", 4, "ans is ' 17'; expected '17'"),
    ("blanks around an id", GOOD.replace("a0f2.jpg", "a0f2.jpg "), "fix", 3, "'a0f2.jpg '; expected 'a0f2.jpg'"),
    ("id in other capitals", GOOD.replace("a0f2.jpg", "A0F2.JPG"), "", 3, "'A0F2.JPG'; expected 'a0f2.jpg'"),
    ("id with a folder", GOOD.replace("a0f2", "eval/images/a0f2"), "", 3, "expected 'a0f2.jpg'"),
    ("id with another ending", GOOD.replace("a0f2.jpg", "a0f2"), "", 3, "'a0f2'; expected 'a0f2.jpg'"),
    ("id with another ending", GOOD.replace("a0f2.jpg", "a0f2.png"), "", 3, "expected 'a0f2.jpg'"),
    ("empty id", GOOD.replace("a0f2.jpg", ""), "", 3, "ImageID is ''"),
    ("index column", ",ImageID,ans\n0,c3e1.jpg,0\n1,a0f2.jpg,1\n2,b1d7.jpg,17\n3,d9c4.jpg,3\n", "fix", 1,
     "column '' numbers the rows; expected only ImageID,ans"),
    ("index column", ",ImageID,ans\n2,c3e1.jpg,0\n0,a0f2.jpg,1\n3,b1d7.jpg,17\n1,d9c4.jpg,3\n", "fix", 1,
     "column '' numbers the rows"),
    ("index column", "Unnamed: 0,ImageID,ans\n1,c3e1.jpg,0\n2,a0f2.jpg,1\n3,b1d7.jpg,17\n4,d9c4.jpg,3\n", "fix", 1,
     "column 'Unnamed: 0' numbers the rows"),
    ("extra column", "ImageID,ans,p\nc3e1.jpg,0,1\na0f2.jpg,1,1\nb1d7.jpg,17,1\nd9c4.jpg,3,1\n", "", 1, "column 'p'"),
    ("extra column", ",ImageID,ans\n7,c3e1.jpg,0\n1,a0f2.jpg,1\n2,b1d7.jpg,17\n3,d9c4.jpg,3\n", "", 1, "column ''"),
    ("duplicate column", "ImageID,ans,ans\nc3e1.jpg,0,1\na0f2.jpg,1,1\nb1d7.jpg,17,1\nd9c4.jpg,3,1\n", "", 1,
     "column 'ans' is there 2 times"),
    ("columns in another order", "ans,ImageID\n0,c3e1.jpg\n1,a0f2.jpg\n17,b1d7.jpg\n3,d9c4.jpg\n", "fix", 1,
     "ans comes before ImageID"),
    ("missing header", GOOD.removeprefix("ImageID,ans\n"), "", 1, "expected the header ImageID,ans above it"),
    ("other header", GOOD.replace("ImageID", "id"), "", 1, "no column 'ImageID', found 'id', 'ans'"),
    ("other header", GOOD.replace("ImageID,ans", "id,label"), "", 1, "no column 'ImageID' and no column 'ans'"),
    ("other header", GOOD.replace("ImageID", "imageid"), "", 1, "capitals count"),
    ("blanks around a column's name", GOOD.replace("ImageID,ans", "ImageID, ans"), "fix", 1, "column ' ans'"),
    ("header repeated", GOOD + "ImageID,ans\n", "", 6, "the header once more"),
    ("byte order mark", "\N{ZERO WIDTH NO-BREAK SPACE}" + GOOD, "fix", 1, "EF BB BF"),
    ("wrong delimiter", GOOD.replace(",", ";"), "fix", 1, "cells are separated by semicolons; expected commas"),
    ("wrong delimiter", GOOD.replace(",", "\t"), "fix", 1, "cells are separated by tabs"),
    ("wrong number of cells", GOOD.replace(",17", ",17,2"), "", 4, "3 cells; expected 2"),
    ("wrong number of cells", GOOD.replace(",17", ""), "", 4, "1 cells; expected 2"),
    ("row without content", GOOD + ",\n", "fix", 6, "a row of nothing but blanks"),
    ("row without content", GOOD + "  \n", "fix", 6, "a row of nothing but blanks"),
    ("line break in a cell", GOOD.replace("a0f2.jpg", '"a0f2.\njpg"'), "", 3, "'a0f2.\\njpg' spans lines"),
    ("broken quotes", GOOD.replace("b1d7", '"b1d7'), "", 4, "every quote must be closed"),
    ("NUL byte", GOOD.replace("b1d7", "b1\0d7"), "", 4, "a NUL byte"),
    ("not UTF-8", GOOD.encode().replace(b"b1d7", b"b1\xe9d7"), "", 4, "byte 0xe9 is not UTF-8"),
    ("not UTF-8", GOOD.encode("utf-16"), "", 1, "the file is UTF-16"),
    ("cut-off last line", GOOD.rstrip("\n").removesuffix(",3"), "", 5, "the file was cut short"),
    ("cut-off last line", GOOD.rstrip("\n").removesuffix("c4.jpg,3"), "", 5, "the file was cut short"),
    ("cut-off last line", GOOD.rstrip("\n").removesuffix("3"), "", 5, "ans is ''"),
    ("empty file", "", "", 0, "the file is empty"),
    ("empty file", " \n\n", "", 0, "the file is empty"),
    ("header only", "ImageID,ans\n", "", 1, "no row below the header; expected 4"),
    ("another competition's ids", "ImageID,ans\n" + "".join(f"t{n}.jpg,0\n" for n in range(4)), "", 2,
     "none of its 4 ids is one of the 4 of this test set, which are such as 'c3e1.jpg'"),
]


def test_at_least_twenty_kinds_are_told_apart() -> None:
    assert len({kind for kind, *_ in BROKEN}) >= 30


@pytest.mark.parametrize(("kind", "content", "repair", "line", "said"), BROKEN)
def test_a_broken_file_is_refused_with_line_and_reason(
    tmp_path: Path, kind: str, content: str | bytes, repair: str, line: int, said: str
) -> None:
    found = checked(tmp_path, content)
    places = [problem for problem in found.problems if problem.kind == kind]
    assert [problem.line for problem in places] == [line], found.problems
    assert said in places[0].text and places[0].text.endswith(".")
    assert places[0].repairable == (repair == "fix")


@pytest.mark.parametrize(("kind", "old", "new"), [
    ("number where a label is due", "ant", "0"),
    ("label in other capitals", "ant", "Ant"),
    ("answer that is no label", "ant", "wasp"),
    ("empty answer", "ant", ""),
    ("id without its folder", "x/1.png", "1.png"),
])
def test_a_generic_file_is_checked_for_labels(tmp_path: Path, kind: str, old: str, new: str) -> None:
    found = checked(tmp_path, GENERIC.replace(old, new, 1), LABELS)
    assert [(problem.kind, problem.line) for problem in found.problems if problem.line] == [(kind, 2)]


def test_all_problems_are_told_not_only_the_first(tmp_path: Path) -> None:
    content = "\N{ZERO WIDTH NO-BREAK SPACE},ImageID;ans\n"
    content = "ImageID,ans,p\nA0F2.jpg,1,1\nc3e1.jpg,18,1\nb1d7.jpg ,2.0,1\nb1d7.jpg,,1\nzz.jpg,1,1\n"
    kinds = {problem.kind for problem in checked(tmp_path, content).problems}
    assert kinds == {
        "extra column", "id in other capitals", "class out of range", "blanks around an id", "answer written as 13.0",
        "duplicate id", "empty answer", "unknown id", "missing id",
    }


def test_of_a_file_that_can_not_be_read_to_its_end_nothing_is_said_to_be_missing(tmp_path: Path) -> None:
    found = checked(tmp_path, GOOD.replace("b1d7", '"b1d7'))
    assert [problem.kind for problem in found.problems] == ["broken quotes"]


def test_many_places_of_a_kind_are_counted_and_a_few_listed(tmp_path: Path) -> None:
    ids = tuple(f"{number:040x}.jpg" for number in range(12_600))
    form = SubmissionForm("ImageID", "ans", ids, FORM.answers)
    found = checked(tmp_path, "ImageID,ans\n" + "".join(f"{name},3.0\n" for name in ids), form)
    (kind,) = by_kind(found.problems)
    assert kind.count == 12_600 and [problem.line for problem in kind.first] == [2, 3, 4, 5, 6] and kind.repairable


@pytest.mark.parametrize(("content", "said"), [
    (GOOD.rstrip("\n"), "line 5, the last, has no line end"),
    (GOOD.replace("\n", "\n\n", 2), "2 blank lines"),
    ("ImageID,ans\n" + "".join(f"{name},0\n" for name in IDS), "4 of 4 answers are '0'"),
])
def test_what_is_odd_but_accepted_is_remarked(tmp_path: Path, content: str, said: str) -> None:
    found = checked(tmp_path, content)
    assert not found.problems and any(remark.startswith(said) for remark in found.remarks)
    assert checked(tmp_path, GOOD).remarks == ()


def test_without_known_answers_any_clean_text_is_one(tmp_path: Path) -> None:
    form = SubmissionForm("ImageID", "ans", IDS, ())
    assert not checked(tmp_path, GOOD.replace("17", "anything"), form).problems
    kinds = [problem.kind for problem in checked(tmp_path, GOOD.replace("17", "").replace(",3", ", 3"), form).problems]
    assert kinds == ["empty answer", "blanks around an answer"]
    for text, found in (
        ("=cmd()", ["formula"]), ("@SUM(A1)", ["formula"]), ("-1", []), ("+1.5", []), ("-", ["empty answer"]),
    ):
        problems = checked(tmp_path, GOOD.replace("17", text), form).problems
        assert [problem.kind for problem in problems] == found


def test_there_must_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none.csv does not exist; expected a submission"):
        check_file(tmp_path / "none.csv", FORM)
    with pytest.raises(DataError, match="is not a file"):
        check_file(tmp_path, FORM)


pieces = st.sampled_from([*IDS, "ImageID", "ans", "0", "17", "18", "3.0", " ", ",", ";", "\n", "\r\n", '"', "\t", "-1",
                          "é", "\0", "\N{ZERO WIDTH NO-BREAK SPACE}", "c3e1.jpg,0\n", "ImageID,ans\n", GOOD])


@given(st.lists(pieces, max_size=14).map("".join))
@settings(max_examples=200, deadline=None)
def test_what_passes_is_read_to_the_letter_and_what_is_read_passes(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    """The two checks agree on any file, but for a byte order mark, which only this one refuses."""
    folder = tmp_path_factory.mktemp("any")
    problems = checked(folder, content).problems
    try:
        read_answers(folder / "submission.csv", FORM)
        read = True
    except DataError:
        read = False
    assert read == (not problems) or {problem.kind for problem in problems} == {"byte order mark"}
