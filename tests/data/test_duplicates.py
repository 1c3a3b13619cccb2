"""Copies are found in whatever form they come; the seven images of one person, and strangers, are no copies."""

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from data.checks import check
from data.duplicates import NEAR, duplicate_findings, near_pairs, perceptual_hash
from data.images import decode_rgb
from data.metadata import ImageData
from data.reading import read_data
from data.synthetic import write_sample

Hashes = NDArray[np.uint64]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people to train on and four to predict: drawn faces of the competition's proportions."""
    out = tmp_path_factory.mktemp("duplicates") / "sample"
    write_sample(out, train_persons=10, eval_persons=4, size=(256, 192))
    return out


# -- the hash ----------------------------------------------------------------------------------------------------------


def bits(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(perceptual_hash(pixels)), np.uint8))


def saved(image: Image.Image, quality: int) -> Image.Image:
    body = io.BytesIO()
    image.save(body, "JPEG", quality=quality)
    return Image.open(body)


def test_copies_are_near_and_other_images_are_not(sample: Path) -> None:
    data = read_data(sample)
    paths = [data.root / path for path in data.train.groupby("person")["path"].first()]
    originals = [bits(decode_rgb(path)) for path in paths]
    for path, original in zip(paths, originals, strict=True):
        image = Image.fromarray(decode_rgb(path))
        half = image.resize((image.width // 2, image.height // 2))
        copies = (
            saved(image, 50), half, saved(half, 70), image.resize((400, 300)), image.convert("L").convert("RGB"),
            image.filter(ImageFilter.GaussianBlur(1)), ImageEnhance.Brightness(image).enhance(0.8),
        )  # fmt: skip
        for copy in copies:
            assert (bits(np.asarray(copy.convert("RGB"))) != original).sum() <= NEAR
    apart = [(one != other).sum() for number, one in enumerate(originals) for other in originals[:number]]
    assert min(apart) > NEAR


def test_small_and_plain_images_have_a_hash() -> None:
    for shape in ((1, 1, 3), (3, 500, 3), (64, 64, 3)):
        assert len(perceptual_hash(np.zeros(shape, np.uint8))) == 64


# -- the search --------------------------------------------------------------------------------------------------------


def by_hand(hashes: Hashes, owners: list[int], near: int) -> set[tuple[int, int]]:
    return {
        (first, second)
        for second in range(len(hashes))
        for first in range(second)
        if sum(int(word).bit_count() for word in hashes[first] ^ hashes[second]) <= near
        and (owners[first] != owners[second] or owners[first] < 0)
    }


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 6), st.sampled_from([0, 3, 8, 24]))
def test_the_pairs_are_those_a_double_loop_finds(seed: int, count: int, flips: int, near: int) -> None:
    """Hashes around three centres, so that distances fall on either side of what is near."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2, (3, 256), np.uint8)
    flipped = rng.random((count, 256)) < flips * near / 4 / 256 + 0.002
    hashes = np.packbits(centres[rng.integers(0, 3, count)] ^ flipped, axis=1).view(np.uint64)
    owners = rng.integers(-1, 4, count)
    found = near_pairs(hashes, owners, near)
    assert {(int(first), int(second)) for first, second in found} == by_hand(hashes, owners.tolist(), near)
    assert len(found) == len(np.unique(found, axis=0))


def test_a_pair_at_the_very_limit_is_found_however_its_bits_lie() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        hash_ = rng.integers(0, 2, 256, np.uint8)
        flips = np.zeros(256, np.uint8)
        flips[rng.choice(256, NEAR, replace=False)] = 1
        further = flips.copy()
        further[rng.choice(np.flatnonzero(flips == 0))] = 1
        hashes = np.packbits([hash_, hash_ ^ flips, hash_ ^ further], axis=1).view(np.uint64)
        pairs = {tuple(pair) for pair in near_pairs(hashes, np.arange(3)).tolist()}
        assert (0, 1) in pairs and (0, 2) not in pairs


def test_owners_of_minus_one_differ_from_each_other_too() -> None:
    hashes = np.zeros((3, 4), np.uint64)
    assert near_pairs(hashes, np.full(3, -1)).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert near_pairs(hashes, np.full(3, 5)).tolist() == []


def test_the_search_ends_where_everything_looks_alike() -> None:
    """A million pairs are enough; images of a single owner are no pairs at all, however many."""
    rng = np.random.default_rng(0)
    base = np.tile(rng.integers(0, 2, 256, np.uint8), (4000, 1))
    base[np.arange(4000), rng.integers(0, 256, 4000)] ^= 1
    base[np.arange(4000), rng.integers(0, 256, 4000)] ^= 1
    hashes = np.packbits(base, axis=1).view(np.uint64)
    assert len(near_pairs(hashes, np.zeros(4000, np.int64))) == 0
    found = near_pairs(hashes, np.arange(4000), most=10_000)
    assert 10_000 < len(found) < 100_000


# -- the findings ------------------------------------------------------------------------------------------------------


def found(root: Path) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for finding in check(root).findings:
        if "near-duplicate" in finding.kind or "same image" in finding.kind:
            assert not finding.stops
            kinds.setdefault(finding.kind, []).append(finding.text)
    return kinds


def persons(root: Path) -> list[Path]:
    return sorted(path for path in (root / "train/images").iterdir() if path.is_dir() and path.name[0] != ".")


def copied(sample: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample, tmp_path / "sample"))


def resaved(source: Path, target: Path, **options: int) -> None:
    """The image saved again at half the size."""
    for old in target.parent.glob(f"{target.stem}.*"):
        old.unlink()
    with Image.open(source) as image:
        image.convert("RGB").resize((image.width // 2, image.height // 2)).save(target, **options)


def an_image(person: Path, stem: str) -> Path:
    return next(person.glob(f"{stem}.*"))


def test_a_clean_sample_has_no_duplicates(sample: Path) -> None:
    assert found(sample) == {}


def test_a_copy_at_another_person_is_found_with_both_labels(sample: Path, tmp_path: Path) -> None:
    root = copied(sample, tmp_path)
    table = read_data(root).train.drop_duplicates("person").set_index("person")
    first = persons(root)[0]
    like = (table["gender"] == table["gender"][first.name]) & (table["age"] == table["age"][first.name])
    alike, other = (table.index[like == same].difference([first.name])[0] for same in (True, False))
    resaved(an_image(first, "mask1"), root / "train/images" / alike / "mask1.jpg", quality=60)
    resaved(an_image(first, "normal"), root / "train/images" / other / "normal.jpg", quality=60)
    findings = found(root)
    assert findings.keys() == {"near-duplicate of different people", "near-duplicate with different labels"}
    (text,) = findings["near-duplicate with different labels"]
    assert text.startswith("These look ") and text.count(" (absent, ") == 2
    assert f"{first.name}/normal" in text and f"{other}/normal.jpg" in text


def test_a_copy_among_the_test_images_is_found(sample: Path, tmp_path: Path) -> None:
    root = copied(sample, tmp_path)
    test_image = next(path for path in sorted((root / "eval/images").iterdir()) if path.name[0] != ".")
    resaved(an_image(persons(root)[2], "mask3"), test_image, quality=60)
    findings = found(root)
    assert findings.keys() == {"near-duplicate in train and test"}
    assert f"'eval/images/{test_image.name}'." in findings["near-duplicate in train and test"][0]


def test_alike_images_of_one_person_or_of_the_test_set_are_not_told(sample: Path, tmp_path: Path) -> None:
    root = copied(sample, tmp_path)
    person = persons(root)[0]
    resaved(an_image(person, "mask1"), person / "mask2.jpg", quality=60)
    first, second, *_ = (path for path in sorted((root / "eval/images").iterdir()) if path.name[0] != ".")
    resaved(first, second, quality=60)
    assert found(root) == {}


def test_the_same_file_is_told_once_and_not_as_near(sample: Path, tmp_path: Path) -> None:
    root = copied(sample, tmp_path)
    one, other = persons(root)[:2]
    target = an_image(other, "mask1")
    target.write_bytes(an_image(one, "mask1").read_bytes())
    findings = found(root)
    assert len(findings) == 1 and next(iter(findings)).startswith("same image")


def test_one_file_under_two_labels_of_one_person_is_a_contradiction(sample: Path, tmp_path: Path) -> None:
    root = copied(sample, tmp_path)
    person = persons(root)[0]
    an_image(person, "normal").write_bytes(an_image(person, "incorrect_mask").read_bytes())
    (text,) = found(root)["same image with different labels"]
    assert "(incorrect, " in text and "(absent, " in text


def data_of(people: list[str], labels: list[int]) -> ImageData:
    ids = [f"{number}.jpg" for number in range(len(people))]
    train = pd.DataFrame({"image_id": ids, "path": ids, "person": people, "target": labels})
    test = pd.DataFrame({"image_id": [], "path": []}, dtype="str")
    return ImageData(Path(), "csv", train, test, ("cat", "dog"), "path", "label", ())


def findings_of(people: list[str], hashes: list[str], labels: list[int] | None = None) -> list[tuple[str, str]]:
    data = data_of(people, labels or [0] * len(people))
    images = data.train[["image_id", "path", "person"]].assign(part="train", phash=hashes)
    images["sha256"] = [str(number) for number in range(len(people))]
    return [(finding.kind, finding.text) for finding in duplicate_findings(data, images)]


def hash_at(distance: int) -> str:
    """A hash so many bits from zero, from the left."""
    return f"{((1 << distance) - 1) << (256 - distance):064x}"


def test_a_chain_is_one_group_with_its_largest_distance() -> None:
    found = findings_of(list("abcd"), [hash_at(0), hash_at(10), hash_at(30), hash_at(90)])
    assert found == [
        ("near-duplicate of different people",
         "These look alike (20 of 256 bits differ): '0.jpg' (cat) and '1.jpg' (cat) and '2.jpg' (cat)."),
    ]  # fmt: skip
    assert findings_of(list("ab"), [hash_at(7)] * 2, [0, 1]) == [
        ("near-duplicate with different labels", "These look the same: '0.jpg' (cat) and '1.jpg' (dog)."),
    ]


def test_one_look_of_two_people_is_compared_with_the_other_images_of_both() -> None:
    ((_, text),) = findings_of(list("aba"), [hash_at(0), hash_at(0), hash_at(9)])
    assert text == "These look alike (9 of 256 bits differ): '0.jpg' (cat) and '1.jpg' (cat) and '2.jpg' (cat)."
    assert findings_of(list("aa"), [hash_at(0), hash_at(9)]) == []


def test_images_that_do_not_decode_have_no_look() -> None:
    assert findings_of(list("abc"), ["", "", hash_at(0)]) == []
    assert findings_of(["a"], [hash_at(0)]) == []


def test_a_large_group_is_named_by_its_first_ten() -> None:
    ((kind, text),) = findings_of([f"p{number}" for number in range(5000)], [hash_at(3)] * 5000)
    assert kind == "near-duplicate of different people"
    assert text.endswith("'9.jpg' (cat) and 4,990 more.") and len(text) < 300


def test_too_many_pairs_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.duplicates.MOST_PAIRS", 3)
    people, hashes = [f"p{number}" for number in range(8)], [hash_at(number) for number in range(8)]
    told = dict(findings_of(people, hashes))["too many near-duplicates"]
    assert told == "More than 3 pairs of images look alike; near-duplicates beyond them were not looked for."
