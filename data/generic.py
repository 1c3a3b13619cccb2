"""Any labelled images as tables: a CSV with path,label,group beside them, and a test.csv with path."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data.csv_rows import FORMULA_STARTS, find_files, read_rows, read_test_table
from data.errors import DataError
from data.findings import Finding, some_names
from data.folders import ImageTree
from data.metadata import ImageData

TEST_CSV = "test.csv"
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


def scan_generic(csv_file: Path) -> tuple[ImageData, list[Finding]]:
    """All rows of a path,label,group CSV that are in order, and a finding for all that are not; no pixel is read.

    Paths are relative to the CSV's folder, written with /, and become image_id as they are; `group` is the person.
    target is the label's index in class_names, which are sorted: by number where all are whole numbers, else as text.
    Further columns are left out. Without a test.csv beside the CSV the test table has no rows.
    """
    tree = ImageTree(csv_file.parent)
    findings: list[Finding] = []
    train = pd.DataFrame(columns=["path", "label", "group", "file"], dtype="str")
    test = pd.DataFrame(columns=["image_id", "path"], dtype="str")
    try:
        train = _train(tree, csv_file, findings)
    except DataError as error:
        findings.append(Finding("unreadable train data", str(error)))
    try:
        top = tree.folder()
        if TEST_CSV in top.files or TEST_CSV in top.refused:
            test, problems = read_test_table(tree, TEST_CSV, ("path",))
            findings += problems
    except DataError as error:
        findings.append(Finding("unreadable test data", f"{str(error).rstrip('.')}."))

    class_names = _sorted_labels(list(train["label"].unique()))
    class_of = {name: index for index, name in enumerate(class_names)}
    table = pd.DataFrame({"image_id": train["path"], "path": train["file"], "person": train["group"],
                          "target": train["label"].map(class_of).astype("int64")}).reset_index(drop=True)
    findings += _leaks(tree.root / TEST_CSV, table, test)
    return ImageData(tree.root, "csv", table, test, class_names, "path", "label", tuple(tree.hidden)), findings


def _train(tree: ImageTree, csv_file: Path, findings: list[Finding]) -> pd.DataFrame:
    """Rows that are in order, columns path, label, group, file (path on disk)."""
    rows, problems = read_rows(csv_file, ("path", "label", "group"))
    findings += problems
    for column in ("label", "group"):
        findings += [Finding(f"empty {column}", f"{csv_file}, row {row}: {column} is empty; expected text.")
                     for row in rows.index[rows[column] == ""]]
    rows["file"], problems = find_files(tree, csv_file, rows["path"])
    findings += problems
    findings += _like_labels(csv_file, list(rows["label"].unique()))
    findings += _formulas(csv_file, list(rows["label"].unique()))
    return rows[rows["file"].notna() & (rows["label"] != "") & (rows["group"] != "")]


def _sorted_labels(labels: Sequence[str]) -> tuple[str, ...]:
    if all(WHOLE_NUMBER.fullmatch(label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _like_labels(csv_file: Path, labels: Sequence[str]) -> list[Finding]:
    """Labels that are two classes only by their spelling: "cat" and "Cat ", "1" and "01"."""
    spellings: dict[str | int, list[str]] = {}
    for label in labels:
        key = int(label) if WHOLE_NUMBER.fullmatch(label) else label.strip().casefold()
        spellings.setdefault(key, []).append(label)
    return [Finding("similar labels", f"{csv_file}: labels {some_names(names)} count as different classes; "
                                      f"expected one spelling a class.", stops=False)
            for names in spellings.values() if len(names) > 1]


def _formulas(csv_file: Path, labels: Sequence[str]) -> list[Finding]:
    """Labels become answers: a spreadsheet that opens the submission would compute "=cmd()"; -1 it only shows."""
    bad = [label for label in labels if label.startswith(FORMULA_STARTS) and not WHOLE_NUMBER.fullmatch(label)]
    text = f"{csv_file}: labels start like a spreadsheet's formula, {some_names(bad)}; expected texts that do not."
    return [Finding("label like a formula", text)] if bad else []


def _leaks(csv_file: Path, train: pd.DataFrame, test: pd.DataFrame) -> list[Finding]:
    both = test["image_id"][test["path"].isin(train["path"])]
    if both.empty:
        return []
    text = f"{csv_file}: {len(both)} images are training images too: {some_names(list(both))}."
    return [Finding("image in train and test", text, stops=False)]
