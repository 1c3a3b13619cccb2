"""Leaks of a split: persons in two folds, and copies of images that hide under another name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.leaderboard.leaks import NEAR_DUPLICATE, find_leaks, read_thumbnails
from data.errors import DataError
from data.reading import read_data
from data.synthetic import write_sample


def table(persons: list[str], folds: list[int]) -> pd.DataFrame:
    ids = [f"{number}.jpg" for number in range(len(folds))]
    return pd.DataFrame({"image_id": ids, "path": ids, "person": persons, "fold": folds})


def test_a_person_in_two_folds_leaks_where_it_is_validated() -> None:
    leaks = find_leaks(table(["a", "a", "b", "b", "c", "c"], [0, 1, 1, 1, -1, 0]))
    assert leaks.images.tolist() == [True, True, False, False, False, True]
    assert leaks.text.startswith("2 persons are on both sides, near-duplicate images were not looked for")


def test_whole_persons_do_not_leak() -> None:
    assert not find_leaks(table(["a", "a", "b", "c"], [0, 0, 1, -1])).images.any()


def test_copies_in_other_folds_are_found_and_strangers_are_not(tmp_path: Path) -> None:
    """Saved again at half the size and JPEG quality 50, as people find them on the net."""
    write_sample(tmp_path / "sample", train_persons=8, eval_persons=1, size=(256, 192))
    data = read_data(tmp_path / "sample")
    rows = data.train.groupby("person").head(2).reset_index(drop=True)
    rows = rows.assign(path=[str(data.root / path) for path in rows["path"]], fold=np.arange(len(rows)) // 2 % 3)
    copy = tmp_path / "copy.jpg"
    with Image.open(rows["path"][0]) as image:
        image.convert("RGB").resize((image.width // 2, image.height // 2)).save(copy, quality=50)
    copied = pd.DataFrame([{"image_id": "copy.jpg", "path": str(copy), "person": "stranger", "fold": 1}])
    both = pd.concat([rows[["image_id", "path", "person", "fold"]], copied], ignore_index=True)
    leaks = find_leaks(both, read_thumbnails(Path("/"), both))
    assert leaks.images.sum() == 2 and leaks.images[0] and leaks.images[len(rows)]
    assert "2 validated images have a near-duplicate among those trained on, such as " in leaks.text
    same_fold = both.assign(fold=both["fold"].where(both["person"] != "stranger", 0))
    assert not find_leaks(same_fold, read_thumbnails(Path("/"), same_fold)).images.any()
    always_trained = both.assign(fold=both["fold"].where(both["person"] != "stranger", -1))
    assert find_leaks(always_trained, read_thumbnails(Path("/"), always_trained)).images.nonzero()[0].tolist() == [0]


def test_brightness_and_contrast_make_no_other_image(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 200, (64, 48, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "0.png")
    Image.fromarray((noise * 0.8 + 30).astype(np.uint8)).save(tmp_path / "1.png")
    Image.fromarray(np.full((64, 48, 3), 90, np.uint8)).save(tmp_path / "2.png")
    Image.fromarray(np.full((64, 48, 3), 90, np.uint8)).save(tmp_path / "3.png")
    rows = table(["a", "b", "c", "d"], [0, 1, 2, 3]).assign(path=[f"{number}.png" for number in range(4)])
    seen = read_thumbnails(tmp_path, rows)
    assert seen[0] @ seen[1] > NEAR_DUPLICATE
    assert find_leaks(rows, seen).images.tolist() == [True, True, False, False], "plain images are like nothing"


def test_missing_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks 2 of the run's 2 images, such as 0.jpg; give the data that it was "):
        read_thumbnails(tmp_path, table(["a", "b"], [0, 1]))
