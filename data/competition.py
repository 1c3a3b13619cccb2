"""The mask competition as tables: train/train.csv, train/images/<path>/<stem>.jpg, eval/info.csv, eval/images."""

import os
from pathlib import Path

import pandas as pd

from data.csv_rows import numbered, read_rows, read_test_table
from data.errors import DataError, quote
from data.findings import Finding, some_names
from data.folders import Folder, ImageTree, nfc
from data.labels import CLASS_NAMES, GENDERS, STEM_TO_MASK, age_bucket, encode
from data.metadata import ImageData

TRAIN_CSV, TRAIN_IMAGES = "train/train.csv", "train/images"
TEST_CSV, TEST_IMAGES = "eval/info.csv", "eval/images"

EXTENSIONS = (".jpg", ".jpeg", ".png")   # in either case
OLDEST = 120                             # years; above: an error
COMPETITION_YEARS = (18, 60)             # outside: read, and said


def scan_competition(root: Path) -> tuple[ImageData, list[Finding]]:
    """All that is in order in the competition's folders, and a finding for all that is not; no pixel is read.

    Train rows keep train.csv's order, a person's images that of STEM_TO_MASK; test rows keep info.csv's order.
    image_id is "<path>/<file name>" in train, and the ImageID, unchanged, in test. A person is a `path`, never an id.
    Where the training people, or the test images, can't be read at all, their table has no rows.
    """
    tree = ImageTree(root)
    findings: list[Finding] = []
    train = _train_table([])
    test = pd.DataFrame(columns=["image_id", "path"], dtype="str")
    try:
        train = _train(tree, findings)
    except DataError as error:
        findings.append(Finding("unreadable train data", f"{str(error).rstrip('.')}."))
    try:
        top = tree.folder()
        if "eval" in top.folders or "eval" in top.refused:
            test = _test(tree, findings)
    except DataError as error:
        findings.append(Finding("unreadable test data", f"{str(error).rstrip('.')}."))
    data = ImageData(root, "mask", train, test, CLASS_NAMES, "ImageID", "ans", tuple(tree.hidden))
    return data, findings


def _train(tree: ImageTree, findings: list[Finding]) -> pd.DataFrame:
    csv_file = tree.root / tree.file(TRAIN_CSV)
    rows, problems = read_rows(csv_file, ("id", "gender", "age", "path"))
    findings += problems
    images = tree.folder(TRAIN_IMAGES)
    rows["person"] = rows["path"].map(nfc)
    findings += _strays(tree.root, images, set(rows["person"]))

    rows["readable"] = _check_cells(csv_file, rows, findings)
    rows = rows[_one_folder_each(csv_file, rows, findings)]
    records = []
    for row, person, gender, age, id_, readable in zip(
        rows.index, *(rows[column] for column in ("person", "gender", "age", "id", "readable")), strict=True
    ):
        where = f"{csv_file}, row {row}"
        try:
            folder = tree.folder(person, below=images.path)
        except DataError as error:
            findings.append(Finding("missing person", f"{where}: {error}; expected a person's images."))
            continue
        files = _files_by_stem(f"{where}: {os.path.join(tree.root, folder.path)}", folder, findings)
        if readable:
            records += [(f"{person}/{nfc(name)}", f"{folder.path}/{name}", person, STEM_TO_MASK[stem],
                         GENDERS.index(gender), int(age), id_) for stem, name in files.items()]
    return _train_table(records)


def _train_table(records: list[tuple[str, str, str, int, int, int, str]]) -> pd.DataFrame:
    table = pd.DataFrame(records, columns=["image_id", "path", "person", "mask", "gender", "years", "id"])
    table = table.astype(dict.fromkeys(("image_id", "path", "person", "id"), "str")
                         | dict.fromkeys(("mask", "gender", "years"), "int64"))
    table["age"] = age_bucket(table["years"])
    table["target"] = encode(table["mask"], table["gender"], table["age"])
    return table[["image_id", "path", "person", "target", "mask", "gender", "age", "years", "id"]]


def _check_cells(csv_file: Path, rows: pd.DataFrame, findings: list[Finding]) -> "pd.Series[bool]":
    """Whether each row's gender and age can be used."""
    years = pd.to_numeric(rows["age"].where(rows["age"].str.fullmatch("[0-9]{1,3}")), errors="coerce")
    gender_known, age_known = rows["gender"].isin(GENDERS), years.between(0, OLDEST)
    youngest, oldest = COMPETITION_YEARS
    unusual = age_known & ~years.between(youngest, oldest)
    for kind, column, wrong, expected, stops in (
        ("unknown gender", "gender", ~gender_known, "expected male or female", True),
        ("wrong age", "age", ~age_known, f"expected whole years from 0 to {OLDEST}", True),
        ("unusual age", "age", unusual, f"the competition's go from {youngest} to {oldest}", False),
    ):
        findings += [Finding(kind, f"{csv_file}, row {row}: {column} is {quote(cell)}; {expected}.", stops)
                     for row, cell in numbered(rows.loc[wrong, column])]
    return gender_known & age_known


def _one_folder_each(csv_file: Path, rows: pd.DataFrame, findings: list[Finding]) -> "pd.Series[bool]":
    """Whether each row's path names one folder that no earlier row names."""
    is_name = (rows["path"] != "") & ~rows["path"].str.contains("/", regex=False)
    findings += [Finding("wrong path", f"{csv_file}, row {row}: path is {quote(cell)}; "
                                       f"expected the name of a folder in {TRAIN_IMAGES}.")
                 for row, cell in numbered(rows.loc[~is_name, "path"])]
    first_rows = rows.index.to_series().groupby(rows["person"]).transform("first")
    again = is_name & (first_rows != rows.index)
    findings += [Finding("duplicate person", f"{csv_file}, row {row}: path {quote(cell)} is already in row "
                                             f"{first_rows[row]}; expected one row a person.")
                 for row, cell in numbered(rows.loc[again, "path"])]
    return is_name & ~again


def _files_by_stem(where: str, folder: Folder, findings: list[Finding]) -> dict[str, str]:
    """A person's images, stem -> name on disk, in the order of STEM_TO_MASK."""
    found: dict[str, list[str]] = {stem: [] for stem in STEM_TO_MASK}
    strange = {name: "is a folder" for name in folder.folders} | folder.refused
    for name, name_on_disk in folder.files.items():
        stem, _, extension = name.rpartition(".")
        if stem in found and f".{extension.lower()}" in EXTENSIONS:
            found[stem].append(name_on_disk)
        else:
            strange[name] = "has another name"
    expected = f"expected only mask1 to mask5, incorrect_mask and normal, each as {', '.join(EXTENSIONS)}"
    findings += [Finding("unknown file", f"{where}: {quote(name)} {reason}; {expected}.")
                 for name, reason in strange.items()]
    findings += [Finding("image twice", f"{where} holds {some_names(names)}; expected one of them.")
                 for names in found.values() if len(names) > 1]
    missing = [stem for stem, names in found.items() if not names]
    if len(missing) == len(found):
        findings.append(Finding("person without images", f"{where} holds no image; {expected}."))
    elif missing:
        text = f"{where} lacks {', '.join(missing)}; expected seven images a person."
        findings.append(Finding("person without seven images", text, stops=False))
    return {stem: names[0] for stem, names in found.items() if len(names) == 1}


def _strays(root: Path, images: Folder, persons: set[str]) -> list[Finding]:
    """What lies among the persons' folders and is in no row."""
    strays = [name for name in (*images.folders, *images.files, *images.refused) if name not in persons]
    return [Finding("not in train.csv", f"{root / images.path / name} is in no row of {TRAIN_CSV}: not used.", False)
            for name in strays]


def _test(tree: ImageTree, findings: list[Finding]) -> pd.DataFrame:
    images = tree.folder(TEST_IMAGES)
    test, problems = read_test_table(tree, TEST_CSV, ("ImageID", "ans"), images.path)
    findings += problems
    named = {path.rpartition("/")[2] for path in test["path"]}
    strays = [on_disk for on_disk in images.files.values() if on_disk not in named]
    if strays and not problems:
        text = f"{tree.root / TEST_IMAGES} holds {len(strays)} files in no row of {TEST_CSV}: {some_names(strays)}."
        findings.append(Finding("not in info.csv", text, stops=False))
    return test
