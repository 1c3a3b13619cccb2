"""One entry for every data set: which form a path has, read into ImageData."""

import dataclasses
from pathlib import Path

from data.competition import TRAIN_CSV, scan_competition
from data.corrections import apply_corrections
from data.errors import DataError
from data.findings import Finding, raise_first, some_names
from data.folders import ImageTree
from data.generic import scan_generic
from data.metadata import ImageData

CSV_NAMES = ("data.csv", "train.csv")   # of a generic data set, the first that is there


def read_data(path: Path, corrections: Path | None = None) -> ImageData:
    """Tables of a data set; no pixel is read.

    `path` is the mask competition's folder (train/train.csv below it), or a CSV with path,label,group, or a folder with
    such a data.csv or train.csv. `corrections` is a file of :mod:`data.corrections`, applied to the train table.
    What is odd but readable (a person without seven images, an age out of 18..60, a correction that found nobody) is in
    ImageData.warnings. Raises DataError, one sentence on the first thing that is wrong.
    """
    data, findings = scan_data(path)
    raise_first(findings)
    data = dataclasses.replace(data, warnings=tuple(finding.text for finding in findings))
    if corrections is None:
        return data
    corrected = apply_corrections(data.train, corrections)
    if corrected.skipped:
        skipped = f"{corrections}: {len(corrected.skipped)} corrections skipped, the data has no such image"
        warnings = (*data.warnings, f"{skipped}: {', '.join(corrected.skipped)}.")
        data = dataclasses.replace(data, warnings=warnings)
    return dataclasses.replace(data, train=corrected.train, corrected_rows=corrected.rows_changed)


def scan_data(path: Path) -> tuple[ImageData, list[Finding]]:
    """What can be read of a data set, and all findings; DataError only where the path has neither form."""
    if (path / TRAIN_CSV).is_file():
        return scan_competition(path)
    if path.is_file():
        return _scan_csv(path)
    for name in CSV_NAMES:
        if (path / name).is_file():
            return _scan_csv(path / _within(path, name))
    looked_for = f"expected a folder with {TRAIN_CSV} or {' or '.join(CSV_NAMES)}, or a CSV file"
    if not path.is_dir():
        raise DataError(f"{path} does not exist; {looked_for}.")
    try:
        held = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise DataError(f"{path} can't be listed: {error.strerror}.") from error
    raise DataError(f"{path} is no data set: {looked_for}; it holds {some_names(held, 12) if held else 'nothing'}.")


def _within(folder: Path, name: str) -> str:
    """The file's name on disk; DataError where it is a link that leads out of the folder."""
    try:
        return ImageTree(folder).file(name)
    except DataError as error:
        raise DataError(f"{error}; expected the data's own {name}.") from error


def _scan_csv(csv_file: Path) -> tuple[ImageData, list[Finding]]:
    data, findings = scan_generic(csv_file)
    if csv_file.resolve().parts[-2:] == ("train", "train.csv") and data.train.empty and findings:
        hint = f" If this is the mask competition, give the folder above train: {csv_file.resolve().parents[1]}."
        findings[0] = dataclasses.replace(findings[0], text=findings[0].text + hint)
    return data, findings
