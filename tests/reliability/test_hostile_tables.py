"""Every CSV that a user hands in, in every way to be wrong: read to the letter, or one sentence with the row."""

from collections.abc import Callable
from pathlib import Path

import pytest
from outside import nothing_read_below
from PIL import Image
from user_tables import NOW, PEOPLE, TABLES, hand_in

from analysis.leaderboard.played_leaderboard import play
from data.csv_rows import FORMULA_STARTS
from data.errors import DataError
from data.reading import read_data

STEMS = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """data (the competition), generic (a CSV beside images), runs, and outside with a file that nobody may read."""
    for person in PEOPLE:
        (tmp_path / "data/train/images" / person).mkdir(parents=True)
        for stem in STEMS:
            Image.new("RGB", (8, 8)).save(tmp_path / "data/train/images" / person / f"{stem}.jpg")
    (tmp_path / "data/eval/images").mkdir(parents=True)
    (tmp_path / "generic").mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / "data/eval/images" / name)
        Image.new("RGB", (8, 8)).save(tmp_path / "generic" / name)
    (tmp_path / "runs").mkdir()
    (tmp_path / "outside").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "outside/secret.jpg")
    (tmp_path / "outside/secret.csv").write_text("path,label,group\nsecret.jpg,SECRET,SECRET\n")
    for table in TABLES.values():
        (tmp_path / table.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / table.file).write_text(table.text)
    return tmp_path


def _last_line(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    *lines, last = content.rstrip(b"\n").split(b"\n")
    return b"\n".join([*lines, change(last)]) + b"\n"


HARMLESS: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "CRLF": lambda content: content.replace(b"\n", b"\r\n"),
    "every cell in quotes": lambda content: b"\n".join(
        b",".join(b'"' + cell + b'"' for cell in line.split(b",")) for line in content.rstrip(b"\n").split(b"\n")
    ),
    "no line end at the end": lambda content: content.rstrip(b"\n"),
}
HARMFUL: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "semicolons": (lambda content: content.replace(b",", b";"), "separated by semicolons|row 1"),
    "NUL": (lambda content: _last_line(content, lambda line: b"\0" + line), r"row \d+.*NUL"),
    "a cell of 10 MB": (lambda content: _last_line(content, lambda line: b"x" * 10_000_000 + line), r"row \d+"),
    "a cell too many": (lambda content: _last_line(content, lambda line: line + b",x"), r"row \d+"),
    "a cell too few": (lambda content: _last_line(content, lambda line: line.rpartition(b",")[0]), r"row \d+"),
    "an open quote": (lambda content: _last_line(content, lambda line: b'"' + line), r"row \d+"),
    "Latin-1": (lambda content: _last_line(content, lambda line: b"\xe9" + line), r"row \d+.*0xe9"),
    "UTF-16": (lambda content: content.decode().encode("utf-16"), r"row 1|UTF-16"),
    "a column twice": (lambda content: content.replace(b"\n", b"," + content.split(b",")[0] + b"\n"), "row 1"),
    "no rows": (lambda content: content.split(b"\n")[0] + b"\n", "no rows|0 rows|lacks|row"),
    "empty": (lambda content: b"", "row 1|empty"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_in_another_spelling_says_the_same(place: Path, name: str) -> None:
    table = TABLES[name]
    expected = repr(table.read(place))
    for how, change in HARMLESS.items():
        if name == "submission" and how == "byte order mark":
            continue  # a competition's server takes it for a part of the header: told, see below
        (place / table.file).write_bytes(change(table.text.encode()))
        assert repr(table.read(place)) == expected, how


@pytest.mark.parametrize("name", TABLES)
def test_a_broken_table_is_one_sentence_with_the_row(
    place: Path, name: str, figures: Callable[[str, str], None]
) -> None:
    table = TABLES[name]
    table.read(place)
    for how, (change, expected) in HARMFUL.items():
        (place / table.file).write_bytes(change(table.text.encode()))
        with pytest.raises(DataError, match=f"(?s){Path(table.file).name}.*({expected})") as caught:
            told = table.read(place)
            if name == "kaggle" and told:  # rows that are left out are told one by one
                raise DataError(told[0])
        said = str(caught.value)
        assert "\n" not in said and len(said) < 1_500, f"{how}: {said[:2_000]}"
    read = len(HARMLESS) - (name == "submission")  # whose byte order mark is told
    figures("hostile tables", f"{name}: {len(HARMFUL)} damages, each one sentence; {read} spellings are read")


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_counted_in_lines_behind_a_cell_of_several(place: Path, name: str) -> None:
    table = TABLES[name]
    header, first, *others = table.text.splitlines()
    cells = first.split(",")
    cells[table.column] = '"two\n\nlines"'
    lines = [header, ",".join(cells), *others, "x" + "," * header.count(",") + ",one too many"]
    (place / table.file).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=rf"{Path(table.file).name}, row {len(lines) + 2}: \d+ cells; expected"):
        told = table.read(place)
        raise DataError(told[0])  # kaggle: rows that are left out are told one by one


def test_the_guard_sees_what_is_opened_behind_a_link(place: Path) -> None:
    (place / "link.jpg").symlink_to(place / "outside/secret.jpg")
    for path in (place / "outside/secret.jpg", place / "link.jpg"):
        with pytest.raises(AssertionError, match="secret.jpg"), nothing_read_below(place / "outside"):
            Image.open(path)


@pytest.mark.parametrize(
    "name",
    ["../outside/secret.jpg", "{outside}/secret.jpg", "link.jpg", "folder/secret.jpg", "a/../../outside/secret.jpg",
     "..\\outside\\secret.jpg", "C:\\secret.jpg", "//outside/secret.jpg", "~/secret.jpg", "./../outside/secret.jpg"],
)  # fmt: skip
def test_nothing_outside_the_data_folder_is_read(place: Path, name: str) -> None:
    name = name.replace("{outside}", str(place / "outside"))
    for root in (place / "generic", place / "data/eval/images", place / "data/train/images"):
        (root / "link.jpg").symlink_to(place / "outside/secret.jpg")
        (root / "folder").symlink_to(place / "outside")
    wrong = (
        ("generic/data.csv", f"path,label,group\na.jpg,x,1\n{name},y,2\n", "generic"),
        ("generic/test.csv", f"path\n{name}\n", "generic"),
        ("data/eval/info.csv", f"ImageID,ans\na.jpg,0\n{name},0\n", "data"),
        ("data/train/train.csv", f"id,gender,race,age,path\n1,male,x,20,{name.removesuffix('/secret.jpg')}\n", "data"),
    )
    for file, text, root in wrong:
        before = (place / file).read_text() if (place / file).exists() else None
        (place / file).write_text(text)
        with nothing_read_below(place / "outside"), pytest.raises(DataError, match=r"row \d") as caught:
            read_data(place / root)
        assert "\n" not in str(caught.value) and "SECRET" not in str(caught.value)
        (place / file).unlink() if before is None else (place / file).write_text(before)


@pytest.mark.parametrize(
    "file", ["generic/data.csv", "generic/test.csv", "data/train/train.csv", "data/eval/info.csv", "data/solution.csv"]
)
def test_a_table_that_is_a_link_to_the_outside_is_not_read(place: Path, file: str) -> None:
    handed_in = hand_in(place)
    (place / file).unlink(missing_ok=True)
    (place / file).symlink_to(place / "outside/secret.csv")
    with nothing_read_below(place / "outside"), pytest.raises(DataError, match="link to a place outside") as caught:
        data = read_data(place / file.split("/")[0])
        play(place / "runs", data, handed_in, False, NOW)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_formula_becomes_no_answer_and_no_id(place: Path, start: str) -> None:
    """Both are written into the submission, which a spreadsheet may open."""
    cell = f'"{start}cmd()"'
    (place / "generic/data.csv").write_text(f"path,label,group\na.jpg,x,1\nb.jpg,{cell},2\n", newline="")
    with pytest.raises(DataError, match="labels start like a spreadsheet's formula"):
        read_data(place / "generic")
    (place / "generic/data.csv").write_text("path,label,group\na.jpg,x,1\nb.jpg,y,2\n")
    (place / "generic/test.csv").write_text(f"path\n{cell}\n", newline="")
    with pytest.raises(DataError, match="row 2: path .* starts like a spreadsheet formula"):
        read_data(place / "generic")
