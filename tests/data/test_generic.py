"""Any CSV with path,label,group becomes the same tables as the competition; wrong rows are named."""

from pathlib import Path

import pytest

from data.errors import DataError
from data.generic import scan_generic
from data.reading import read_data


def data_csv(root: Path, *rows: str, header: str = "path,label,group") -> Path:
    """A CSV, and an empty file for each of its paths that is one below the root."""
    for row in rows:
        path = row.split(",")[0]
        if path and not path.startswith(("/", ".")) and "none" not in path:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
    (root / "data.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return root


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_data(root)
    return str(caught.value)


def test_rows_become_images_with_persons_and_targets(tmp_path: Path) -> None:
    data_csv(tmp_path, "images/b.jpg,dog,p2", "images/a.jpg,cat,p1", "images/c.jpg,dog,p1")
    data = read_data(tmp_path)
    assert data.train.to_dict("list") == {
        "image_id": ["images/b.jpg", "images/a.jpg", "images/c.jpg"],
        "path": ["images/b.jpg", "images/a.jpg", "images/c.jpg"],
        "person": ["p2", "p1", "p1"],
        "target": [1, 0, 1],
    }
    assert data.train.index.tolist() == [0, 1, 2]
    assert str(data.train["target"].dtype) == "int64"
    assert data.class_names == ("cat", "dog")
    assert (data.form, data.id_column, data.answer_column) == ("csv", "path", "label")
    assert (list(data.test.columns), len(data.test)) == (["image_id", "path"], 0)


@pytest.mark.parametrize(
    ("labels", "class_names"),
    [
        (["10", "9", "1"], ("1", "9", "10")),  # all whole numbers: by number
        (["-1", "0", "-10"], ("-10", "-1", "0")),
        (["10", "9", "x"], ("10", "9", "x")),  # one is not: as text
        (["1.5", "10", "2"], ("1.5", "10", "2")),
        (["b", "a", "B"], ("B", "a", "b")),
        (["NA", "None", "nan"], ("NA", "None", "nan")),
        (["고양이", "개"], ("개", "고양이")),
    ],
)
def test_class_names_are_sorted_by_number_or_as_text(
    tmp_path: Path, labels: list[str], class_names: tuple[str, ...]
) -> None:
    data_csv(tmp_path, *(f"{number}.jpg,{label},p" for number, label in enumerate(labels)))
    data = read_data(tmp_path)
    assert data.class_names == class_names
    assert [data.class_names[target] for target in data.train["target"]] == labels


def test_further_columns_are_left_out(tmp_path: Path) -> None:
    data_csv(tmp_path, "a.jpg,cat,p,9,x", header="path,label,group,target,person")
    assert read_data(tmp_path).train.iloc[0].to_dict() == {
        "image_id": "a.jpg",
        "path": "a.jpg",
        "person": "p",
        "target": 0,
    }


def test_test_csv_beside_it_gives_the_test_rows_in_order(tmp_path: Path) -> None:
    data_csv(tmp_path, "a.jpg,cat,p")
    for name in ("z.jpg", "b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "test.csv").write_text("note,path\nx,z.jpg\ny,b.jpg\n")
    assert read_data(tmp_path).test.to_dict("list") == {"image_id": ["z.jpg", "b.jpg"], "path": ["z.jpg", "b.jpg"]}


def test_hidden_files_among_the_images_are_counted(tmp_path: Path) -> None:
    data_csv(tmp_path, "images/a.jpg,cat,p")
    (tmp_path / "images/._a.jpg").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/.DS_Store").touch()
    assert read_data(tmp_path).hidden_files == ("images/._a.jpg",)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("none.jpg,cat,p", "path: file 'none.jpg' in ROOT does not exist; expected an image file."),
        ("none/a.jpg,cat,p", "path: folder 'none' in ROOT does not exist; expected an image file."),
        ("a.jpg,dog,p", "path 'a.jpg' is already in row 2; expected one row an image."),
        ("./a.jpg,dog,p", "path './a.jpg' is already in row 2; expected one row an image."),
        ("/etc/passwd,cat,p", "path: '/etc/passwd' is not a path below the data folder"),
        ("../a.jpg,cat,p", "path: '../a.jpg' is not a path below the data folder"),
        (",cat,p", "path: '' is not a path below the data folder"),
        (".hidden.jpg,cat,p", "path: file '.hidden.jpg' in ROOT is hidden and skipped"),
        ("b.jpg,,p", "label is empty; expected text."),
        ("b.jpg,cat,", "group is empty; expected text."),
        ("b.jpg,cat", "2 cells; expected 3"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    data_csv(tmp_path, "a.jpg,cat,p", row)
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path}/data.csv, row 3: ")
    assert said.replace("ROOT", str(tmp_path)) in message


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("file,label,group", "path"),
        ("path,class,group", "label"),
        ("path,label,person", "group"),
    ],
)
def test_a_csv_without_its_columns(tmp_path: Path, header: str, missing: str) -> None:
    data_csv(tmp_path, "a.jpg,cat,p", header=header)
    expected = f"{tmp_path}/data.csv, row 1: no column {missing}; expected the columns path,label,group"
    assert refusal(tmp_path).startswith(expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("path\nnone.jpg\n", "test.csv, row 2: path: file 'none.jpg' in"),
        ("path\nb.jpg\nb.jpg\n", "test.csv, row 3: path 'b.jpg' is already in row 2"),
        ("file\nb.jpg\n", "test.csv, row 1: no column path"),
    ],
)
def test_a_wrong_test_csv(tmp_path: Path, content: str, said: str) -> None:
    data_csv(tmp_path, "a.jpg,cat,p")
    (tmp_path / "b.jpg").touch()
    (tmp_path / "test.csv").write_text(content)
    assert said in refusal(tmp_path)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("1", "01"), "labels '1', '01' count as different classes"),
        (("Cat", "cat "), "labels 'Cat', 'cat ' count as"),
    ],
)
def test_labels_that_differ_in_spelling_only_are_said(tmp_path: Path, labels: tuple[str, str], said: str) -> None:
    data_csv(tmp_path, f"a.jpg,{labels[0]},p", f"b.jpg,{labels[1]},p")
    data = read_data(tmp_path)
    assert len(data.class_names) == 2
    assert len(data.warnings) == 1 and said in data.warnings[0]


def test_a_test_image_that_is_trained_on_is_said(tmp_path: Path) -> None:
    data_csv(tmp_path, "a.jpg,cat,p", "b.jpg,cat,q")
    (tmp_path / "test.csv").write_text("path\nb.jpg\n")
    assert read_data(tmp_path).warnings == (f"{tmp_path}/test.csv: 1 images are training images too: 'b.jpg'.",)


def test_scanning_collects_all_findings_and_keeps_the_rows_in_order(tmp_path: Path) -> None:
    data_csv(tmp_path, "a.jpg,cat,p", "none.jpg,cat,p", "b.jpg,,p", "c.jpg,dog,", "d.jpg,dog,q")
    data, findings = scan_generic(tmp_path / "data.csv")
    assert sorted(finding.kind for finding in findings) == ["empty group", "empty label", "missing image"]
    assert data.train["image_id"].tolist() == ["a.jpg", "d.jpg"]
    assert data.class_names == ("cat", "dog")


def test_scanning_an_unreadable_csv_gives_empty_tables(tmp_path: Path) -> None:
    data_csv(tmp_path, "a.jpg,cat,p", header="x,y,z")
    data, findings = scan_generic(tmp_path / "data.csv")
    assert [finding.kind for finding in findings] == ["unreadable train data"]
    assert (len(data.train), data.class_names) == (0, ())


@pytest.mark.parametrize("label", ["=cmd()", "@sum", "+1a", "-x"])
def test_labels_that_a_spreadsheet_would_compute_are_refused(tmp_path: Path, label: str) -> None:
    assert "labels start like a spreadsheet's formula" in refusal(data_csv(tmp_path, f"a.jpg,{label},p", "b.jpg,b,q"))
