"""Files are found below a root in either Unicode form; nothing hidden and nothing outside it is."""

import os
import unicodedata
from pathlib import Path

import pytest

from data.errors import DataError
from data.folders import ImageTree, nfc

HIDDEN = ("._a.jpg", ".DS_Store", ".ipynb_checkpoints", "Thumbs.db", "desktop.ini", "__MACOSX")


def planted(root: Path, *names: str) -> ImageTree:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return ImageTree(root)


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_entries_are_set_aside_and_counted(tmp_path: Path, name: str) -> None:
    tree = planted(tmp_path, "images/a.jpg", f"images/{name}")
    assert tree.folder("images").files == {"a.jpg": "a.jpg"}
    assert tree.hidden == [f"images/{name}"]
    with pytest.raises(DataError, match="is hidden and skipped"):
        tree.file(f"images/{name}")


def test_a_hidden_folder_is_one_entry(tmp_path: Path) -> None:
    tree = planted(tmp_path, ".ipynb_checkpoints/a.jpg", ".ipynb_checkpoints/b.jpg", "a.jpg")
    assert tree.file("a.jpg") == "a.jpg"
    assert tree.hidden == [".ipynb_checkpoints"]


@pytest.mark.parametrize(
    "attack",
    [
        "/etc/passwd",
        "../secret.jpg",
        "images/../../secret.jpg",
        "images/../images/a.jpg",
        "..",
        ".",
        "",
        "//server/share/a.jpg",
        "\\\\server\\share\\a.jpg",
        "C:\\a.jpg",
        "C:a.jpg",
        "images\\a.jpg",
        "images/a.jpg/..",
        "/images/a.jpg",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, attack: str) -> None:
    (tmp_path / "secret.jpg").touch()
    tree = planted(tmp_path / "root", "images/a.jpg", "C:a.jpg", "images\\a.jpg")
    for below in ("", "images"):
        with pytest.raises(DataError, match="is not a path below the data folder, written with / and without"):
            tree.file(attack, below)


@pytest.mark.parametrize("name", ["~/a.jpg", "$HOME/a.jpg", "file:///etc/passwd"])
def test_nothing_in_a_path_is_expanded(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        planted(tmp_path, "a.jpg").file(name)


def test_links_may_stay_inside_but_not_lead_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    planted(outside, "secret.jpg")
    root = tmp_path / "root"
    planted(root, "images/a.jpg")
    (root / "inside.jpg").symlink_to("images/a.jpg")
    (root / "escape.jpg").symlink_to(outside / "secret.jpg")
    (root / "folder").symlink_to(outside)
    (root / "sibling").symlink_to(tmp_path / "root2")
    planted(tmp_path / "root2", "secret.jpg")
    tree = ImageTree(root)
    assert tree.file("inside.jpg") == "inside.jpg"
    for escape in ("escape.jpg", "folder/secret.jpg", "sibling/secret.jpg"):
        with pytest.raises(DataError, match="is a link to a place outside the data folder"):
            tree.file(escape)


def test_a_root_that_is_a_link_itself_is_fine(tmp_path: Path) -> None:
    planted(tmp_path / "real", "images/a.jpg")
    (tmp_path / "real/inside.jpg").symlink_to("images/a.jpg")
    (tmp_path / "link").symlink_to("real")
    assert ImageTree(tmp_path / "link").file("images/a.jpg") == "images/a.jpg"
    assert ImageTree(tmp_path / "link").file("inside.jpg") == "inside.jpg"


def test_broken_links_and_pipes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("broken.jpg", "loop.jpg", "pipe.jpg"):
        with pytest.raises(DataError, match="is neither a file nor a folder"):
            ImageTree(tmp_path).file(name)


def test_names_are_found_in_either_unicode_form(tmp_path: Path) -> None:
    name = "데이터 실험 ü😀.jpg"
    decomposed = unicodedata.normalize("NFD", name)
    assert decomposed != nfc(name)
    tree = planted(tmp_path, f"{decomposed}/{decomposed}")
    assert tree.file(f"{nfc(name)}/{nfc(name)}") == f"{decomposed}/{decomposed}"
    assert tree.file(f"{decomposed}/{decomposed}") == f"{decomposed}/{decomposed}"
    assert (tmp_path / tree.file(f"{nfc(name)}/{nfc(name)}")).is_file()


def test_a_name_in_both_unicode_forms_is_ambiguous(tmp_path: Path) -> None:
    tree = planted(tmp_path, "ü.jpg", unicodedata.normalize("NFD", "ü.jpg"))
    with pytest.raises(DataError, match="is there twice, in two Unicode forms"):
        tree.file("ü.jpg")


def test_a_name_that_is_not_utf8_is_refused_not_a_crash(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.jpg"))).touch()
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/._a\xff.jpg"))).touch()
    tree = ImageTree(tmp_path)
    assert list(tree.folder().refused.values()) == ["has a name that is not UTF-8"]
    assert tree.hidden == ["._a\\xff.jpg"]


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    tree = planted(tmp_path, "images/a.jpg")
    with pytest.raises(DataError, match="file 'images' in .* does not exist"):
        tree.file("images")
    with pytest.raises(DataError, match="folder 'a.jpg' in .*images does not exist"):
        tree.folder("images/a.jpg")
    with pytest.raises(DataError, match="folder 'none' in"):
        tree.file("none/a.jpg")


def test_long_names(tmp_path: Path) -> None:
    name = "x" * 200 + ".jpg"
    assert planted(tmp_path, name).file(name) == name
