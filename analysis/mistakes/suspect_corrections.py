"""Suspected wrong labels as a corrections file, for a person to look through and for data.corrections to apply."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.leaderboard.ledger import safe_text
from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.suspects import OF_AN_IMAGE, Suspect
from data.corrections import COLUMN_OF_FIELD, COLUMNS
from data.csv_rows import FORMULA_STARTS, as_cell, read_rows
from data.csv_text import csv_text
from data.errors import DataError, quote
from data.labels import AGE_BUCKETS, age_bucket
from data.metadata import ImageData
from runners.state import write_text

OLDEST = 120  # years
FILE_COLUMNS = (COLUMNS[0], "path", *COLUMNS[1:])


@dataclass(frozen=True)
class WrittenCorrections:
    """What was written; without any suspect nothing is."""

    suspects: int  # suspected labels, a row each
    earlier: int  # rows of the file the run was made with: one file is applied, so both must be in it
    left_out: tuple[str, ...]  # a sentence each


def write_corrections(
    path: Path,
    judged: JudgedImages,
    suspects: Sequence[Suspect],
    original: ImageData,
    corrected: ImageData,
    earlier: Path | None,
) -> WrittenCorrections:
    """Write suspects as a new file that data.corrections applies to the data as it is on disk.

    original: the data as its files say; corrected: with the corrections `earlier` that the run was made with (the same
    where there were none). An age goes to the nearest year of the suggested bucket. Raises DataError where `path` is
    there already, the data knows no mask, gender and age, or it is not what the run was made on.
    """
    if path.exists():
        raise DataError(f"{path} is there already; name a new file, corrections that were looked through are precious.")
    if "mask" not in original.train:
        raise DataError(f"{path}: corrections are of mask, gender or age; the data at {original.root} has only labels.")
    before, after = (data.train.set_index("image_id") for data in (original, corrected))
    _check_same_data(judged, after, original.root)
    rows, left_out = [], []
    for suspect in suspects:
        images = judged.image_ids[suspect.rows].tolist()
        reason = _obstacle(suspect, before.loc[images], after.loc[images])
        if reason:
            left_out.append(f"{suspect.factor} of {quote(suspect.person)} is left out: {reason}.")
        else:
            rows.append(_row(suspect, judged, after.loc[images]))
    kept = _earlier_rows(earlier)
    if rows:  # a file without a row is refused by what reads it
        write_text(path, _csv(kept + rows))
    return WrittenCorrections(len(rows), len(kept), tuple(left_out))


def _check_same_data(judged: JudgedImages, table: pd.DataFrame, root: Path) -> None:
    targets = table["target"].reindex(judged.image_ids)
    differ = targets.to_numpy(np.float64) != judged.targets  # NaN, a missing image, differs too
    if differ.any():
        first = str(judged.image_ids[np.argmax(differ)])
        raise DataError(
            f"{root} has another label for {int(differ.sum())} of the run's {len(differ)} images, or lacks them, such "
            f"as {quote(first)}; give the data that the run was made on."
        )


def _obstacle(suspect: Suspect, before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Why a suspect can be no row, or ""."""
    column = COLUMN_OF_FIELD[suspect.factor]
    if (before[column] != after[column]).any():
        return "the run was made with a correction of it, and its networks disagree with that"
    if after[column].nunique() > 1:
        return f"its images are of several {column}"
    names = {str(after["id"].iloc[0]), suspect.person}
    if any(name.startswith(FORMULA_STARTS) for name in names):
        return "its name starts like a spreadsheet formula"
    return ""


def _row(suspect: Suspect, judged: JudgedImages, images: pd.DataFrame) -> dict[str, str]:
    given, suggested = suspect.given, suspect.suggested
    if suspect.factor == "age":
        years = int(images["years"].iloc[0])
        given, suggested = str(years), str(_nearest_year(years, AGE_BUCKETS.index(suggested)))
    stem = ""
    if suspect.factor in OF_AN_IMAGE:
        stem = str(judged.paths[suspect.rows[0]]).rpartition("/")[2].rpartition(".")[0]
    sure = f"suspected by confident learning, {suspect.probability:.2f} against {suspect.of_given:.2f}"
    bucket = f" (bucket {suspect.given} to {suspect.suggested})" if suspect.factor == "age" else ""
    return {
        "id": str(images["id"].iloc[0]), "path": suspect.person, "stem": stem, "field": suspect.factor,
        "from": given, "to": suggested, "reason": f"{sure}: {suspect.context}{bucket}; not looked at yet",
    }  # fmt: skip


def _nearest_year(years: int, bucket: int) -> int:
    """The age of a bucket that is nearest to `years`."""
    ages: NDArray[np.int64] = np.flatnonzero(age_bucket(np.arange(OLDEST + 1)) == bucket)
    return int(ages[np.abs(ages - years).argmin()])


def _earlier_rows(earlier: Path | None) -> list[dict[str, str]]:
    if earlier is None:
        return []
    rows, _ = read_rows(earlier, COLUMNS)
    return [
        {name: as_cell(str(cells.get(name, ""))) for name in FILE_COLUMNS} | {"reason": safe_text(str(cells["reason"]))}
        for cells in rows.to_dict("records")
    ]


def _csv(rows: Sequence[dict[str, str]]) -> str:
    return csv_text([FILE_COLUMNS, *([row[name] for name in FILE_COLUMNS] for row in rows)])
