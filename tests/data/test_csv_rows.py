"""CSV files are read to the letter; what is wrong with a row is said with its number."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.csv_rows import FORMULA_STARTS, as_cell, find_files, from_cell, numbered, read_rows, read_test_table
from data.errors import DataError
from data.findings import Finding
from data.folders import ImageTree

COLUMNS = ("id", "name")


def rows_of(tmp_path: Path, content: bytes | str) -> list[list[str]]:
    file = tmp_path / "a.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    rows, findings = read_rows(file, COLUMNS)
    assert not findings
    return rows[list(COLUMNS)].to_numpy().tolist()


@pytest.mark.parametrize(
    "content",
    [
        "id,name\n1,a\n",
        "id,name\n1,a",  # no newline at the end
        "id,name\r\n1,a\r\n",  # Windows
        "id,name\r1,a\r",  # old Mac
        b"\xef\xbb\xbfid,name\n1,a\n",  # byte order mark, as Excel writes it
        '"id","name"\n"1","a"\n',
        "id,name\n\n1,a\n\n\n",  # blank lines
        "name,id\na,1\n",  # another order
        ",id,name,more\n0,1,a,x\n",  # an index column and a further one
    ],
)
def test_every_dialect_with_commas_reads_the_same(tmp_path: Path, content: bytes | str) -> None:
    assert rows_of(tmp_path, content) == [["1", "a"]]


@pytest.mark.parametrize(
    "cell",
    [
        "000001",
        "001498-1",
        "1e5",
        "NA",
        "None",
        "nan",
        "null",
        "",
        " 1 ",
        "1.0",
        "TRUE",
        "0x10",
        "2020-01-01",
        "데이터😀",
        "=1+1",
    ],
)
def test_cells_stay_the_text_they_are(tmp_path: Path, cell: str) -> None:
    assert rows_of(tmp_path, f"id,name\n{cell},x\n") == [[cell, "x"]]


def test_quoted_commas_quotes_and_newlines(tmp_path: Path) -> None:
    assert rows_of(tmp_path, 'id,name\n"a,b","say ""hi""\nthere"\n') == [["a,b", 'say "hi"\nthere']]


def test_rows_are_numbered_by_the_line_they_start_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,name\n1,"two\nlines"\n\n2,b\n')
    rows, _ = read_rows(tmp_path / "a.csv", COLUMNS)
    assert numbered(rows["id"]) == [(2, "1"), (5, "2")]


def refusal(tmp_path: Path, content: bytes | str) -> str:
    with pytest.raises(DataError) as caught:
        rows_of(tmp_path, content)
    assert str(tmp_path / "a.csv") in str(caught.value)
    return str(caught.value).removeprefix(str(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ", row 1: no column id, name; expected the columns id,name, found an empty file."),
        ("id\n1\n", ", row 1: no column name; expected the columns id,name, found 'id'."),
        ("ID,name\n1,a\n", ", row 1: no column id;"),
        ("id,name,id\n1,a,2\n", ", row 1: column 'id' is there twice; keep one of them."),
        ("id,name\n", " has a header but no rows;"),
        ("id;name\n1;a\n", " is separated by semicolons; save it with commas between the cells."),
        ("id\tname\n1\ta\n", " is separated by tabs;"),
        ("id|name\n1|a\n", " is separated by bars;"),
        ("id,name\n1,a\0\n", ", row 2: a NUL byte; expected text in UTF-8"),
        ("id,name\n1,a\n".encode("utf-16"), ", row 1: a NUL byte;"),
        (b"id,name\n1,a\n2,\xff\n", ", row 3: byte 0xff is not UTF-8;"),
        ('id,name\n1,a\n2,"open\n3,b\n', ", row 3: not readable as CSV"),
        ('id,name\n1,"a"b\n', ", row 2: not readable as CSV"),
        ("id,name\n1,a\n2," + "x" * 1_100_000 + "\n", ", row 3: not readable as CSV (field larger than field limit"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | str, said: str) -> None:
    assert refusal(tmp_path, content).startswith(said)


@pytest.mark.parametrize("row", ["1", "1,a,x"])
def test_a_row_with_another_number_of_cells_is_a_finding_with_its_row(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.csv").write_text(f"id,name\n0,z\n{row}\n2,b\n")
    rows, findings = read_rows(tmp_path / "a.csv", COLUMNS)
    assert rows["id"].tolist() == ["0", "2"]
    expected = f"{tmp_path / 'a.csv'}, row 3: {row.count(',') + 1} cells; expected 2, as many as the header has."
    assert findings == [Finding("wrong number of cells", expected)]


def test_missing_file_and_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a.csv does not exist; expected a CSV"):
        read_rows(tmp_path / "a.csv", COLUMNS)
    with pytest.raises(DataError, match="is not a file; expected a CSV"):
        read_rows(tmp_path, COLUMNS)


def test_find_files_keeps_rows_and_order_and_names_the_others(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "a.csv").write_text("id,name\n1,b.jpg\n2,none.jpg\n3,a.jpg\n4,./b.jpg\n")
    rows, _ = read_rows(tmp_path / "a.csv", COLUMNS)
    paths, findings = find_files(ImageTree(tmp_path), tmp_path / "a.csv", rows["name"])
    assert numbered(paths) == [(2, "b.jpg"), (4, "a.jpg")]
    assert [finding.kind for finding in findings] == ["missing image", "duplicate image"]
    csv_file = tmp_path / "a.csv"
    assert [finding.text for finding in findings] == [
        f"{csv_file}, row 3: name: file 'none.jpg' in {tmp_path} does not exist; expected an image file.",
        f"{csv_file}, row 5: name './b.jpg' is already in row 2; expected one row an image.",
    ]


@pytest.mark.parametrize("name", ["=1.jpg", "+1.jpg", "-1.jpg", "@a.jpg", "\ta.jpg"])
def test_a_test_image_named_like_a_formula_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "test.csv").write_text(f'path\n"{name}"\n')
    test, findings = read_test_table(ImageTree(tmp_path), "test.csv", ["path"])
    assert test.empty
    assert "starts like a spreadsheet formula" in findings[0].text


@given(st.text(max_size=6, alphabet="'=+-@\t\n＝a1"))
def test_a_cell_is_never_a_formula_and_gives_its_text_back(text: str) -> None:
    cell = as_cell(text)
    assert not cell.startswith(FORMULA_STARTS)
    assert from_cell(cell) == text
    assert cell == text or text.lstrip("'").startswith(FORMULA_STARTS)


def test_a_header_of_a_million_columns_is_read_in_linear_time(tmp_path: Path) -> None:
    """A look at all of them for each took hours; no clock here: the suite's patience is the measure."""
    with pytest.raises(DataError, match="row 1: column 'x' is there twice"):
        rows_of(tmp_path, "id,name,x,x," + ",".join(map(str, range(10**6))) + "\n1\n")
