import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from data import fingerprints as module
from data.errors import DataError
from data.external_copies import check_copies
from data.reading import read_data


@pytest.fixture
def check(competition: Path, tmp_path: Path):
    """Compares files with the small competition, its hashes kept in a folder."""
    data = read_data(competition)

    def compare(*external: Path) -> int:
        ticks: list[int] = []
        tick = lambda done, total: ticks.append(done)  # noqa: E731
        check_copies(data, [str(path) for path in external], tmp_path / "kept", workers=1, tick=tick)
        return len(ticks)

    compare.data = data
    return compare


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    from data.synthetic import write_sample

    out = tmp_path_factory.mktemp("external") / "other"
    write_sample(out, train_persons=1, eval_persons=1, size=(64, 48), seed=7)
    return sorted((out / "train/images").rglob("mask1.jpg"))


def test_images_of_strangers_are_accepted_and_each_file_is_looked_at_once(check, strangers, monkeypatch) -> None:
    images = len(check.data.train) + len(check.data.test)
    assert check(*strangers) == images + 1
    assert check(*strangers) == 0
    (folder,) = {path.parent for path in strangers}
    shutil.copy(strangers[0], folder / "again.jpg")
    assert check(*strangers, folder / "again.jpg") == 1


@pytest.mark.parametrize(("part", "what"), [("train", "a training image"), ("test", "a test image")])
def test_the_same_file_is_refused_naming_both(check, tmp_path: Path, part: str, what: str) -> None:
    original = check.data.root / getattr(check.data, part)["path"].iloc[2]
    copy = tmp_path / "copy.jpg"
    shutil.copy(original, copy)
    with pytest.raises(DataError, match=f"^External image '{copy}' is the same file as '{original}', {what} of the"):
        check(copy)


def test_an_image_that_looks_the_same_is_refused_naming_both(check, tmp_path: Path, strangers) -> None:
    original = check.data.root / check.data.train["path"].iloc[9]
    copies = [tmp_path / "small.png", tmp_path / "grey.jpg"]
    with Image.open(original) as image:
        image.resize((40, 52)).save(copies[0])
        image.convert("L").save(copies[1], quality=70)
    for copy in copies:
        with pytest.raises(DataError, match=re.escape(f"External image '{copy}' looks like (")) as raised:
            check(*strangers, copy)
        assert "of 256 bits differ" in str(raised.value) and "a training image of the data" in str(raised.value)
        pair = re.search(r"differ\) '([^']*)'", str(raised.value))
        assert pair and Path(pair[1]).parent == original.parent  # the drawn person's masked faces are all alike


def test_no_external_image_costs_nothing(check) -> None:
    assert check() == 0


def test_a_file_that_changed_is_looked_at_again_and_a_damaged_store_is_made_anew(check, strangers, tmp_path) -> None:
    other = tmp_path / "other.jpg"
    shutil.copy(strangers[0], other)
    check(other)
    shutil.copy(check.data.root / check.data.train["path"].iloc[0], other)
    with pytest.raises(DataError, match="the same file"):
        check(other)
    store = tmp_path / "kept" / module.STORE
    for damage in ("{", "[1]", '{"a": 1}'):
        store.write_text(damage)
        assert check(*strangers) > 1


def test_an_image_that_does_not_decode_is_named(check, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(DataError, match="broken.jpg"):
        check(broken)
