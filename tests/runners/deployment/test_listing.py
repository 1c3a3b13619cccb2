import os
from pathlib import Path

import pytest

from data.errors import DataError
from data.labels import CLASS_NAMES
from runners.deployment.listing import check_classes, read_listing


def test_a_data_set_gives_its_test_list(competition: Path) -> None:
    listing = read_listing(competition)
    assert listing.data is not None and list(listing.table["image_id"]) == list(listing.data.test["image_id"])
    assert len(listing.table) == 21 and all((listing.root / path).is_file() for path in listing.table["path"])
    check_classes(listing, CLASS_NAMES, "baseline")
    with pytest.raises(DataError, match=r"has the classes .* and baseline tells apart 'cat', 'dog'"):
        check_classes(listing, ("cat", "dog"), "baseline")


def test_a_folder_gives_all_images_below_it_in_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "in/c.webp", "in/notes.txt", ".hidden.png", "e\u0301.bmp"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).touch()
    (tmp_path / "outside.png").touch()
    os.symlink(tmp_path / "outside.png", tmp_path / "images/link.png")
    os.symlink(tmp_path / "images", tmp_path / "images/in/circle")
    listing = read_listing(tmp_path / "images")
    assert list(listing.table["image_id"]) == ["a.png", "b.JPG", "\u00e9.bmp", "in/c.webp"]
    assert list(listing.table["path"]) == ["a.png", "b.JPG", "e\u0301.bmp", "in/c.webp"]
    assert listing.left_out == ("link.png", "in/notes.txt", "in/circle") and listing.data is None
    check_classes(listing, ("any",), "baseline")


def test_what_holds_nothing_to_predict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        read_listing(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"has no image .* it holds 'notes.txt'"):
        read_listing(tmp_path)
    (tmp_path / "a.png").touch()
    (tmp_path / "data.csv").write_text("path,label,group\na.png,cat,1\n")
    with pytest.raises(DataError, match="is a data set without a test list"):
        read_listing(tmp_path)
