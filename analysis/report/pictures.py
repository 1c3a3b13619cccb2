"""Which images of the report get a picture: those of the persons it shows first, then the most wrong ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.report.image_table import ImageTable
from analysis.report.run_section import RunSection
from analysis.report.thumbnails import thumbnails
from data.errors import DataError
from data.reading import read_data

PICTURES_BUDGET = 4_500_000  # characters of all pictures: some 2,500 faces


def make_pictures(
    tables: Sequence[ImageTable], sections: Sequence[RunSection], data: Path, budget: int = PICTURES_BUDGET
) -> list[dict[int, str]]:
    """Pictures of each table, base64 by row, from a data set (as read_data reads it) that has the tables' files.

    A table of which the data set has no file gets none. Raises DataError where that is so for all, or where an image
    can't be read.
    """
    root = read_data(data).root
    there = [any((root / path).is_file() for path in table.paths) for table in tables]
    if not any(there):
        raise DataError(
            f"{data} has none of the runs' images, such as {tables[0].paths[0]}; give the data they were trained on."
        )
    each = budget // sum(there)
    return [
        thumbnails(root, [(row, str(table.paths[row])) for row in picture_order(table, _shown(table, sections))], each)
        if has_files
        else {}
        for table, has_files in zip(tables, there, strict=True)
    ]


def picture_order(table: ImageTable, shown: set[str]) -> list[int]:
    """Rows of a table: images of the persons `shown` in lists first, then those that the most runs got wrong."""
    first = np.isin(table.persons, sorted(shown))
    return np.lexsort((-table.wrong, ~first)).tolist()


def by_image(pictures: Sequence[Mapping[int, str]], tables: Sequence[ImageTable], run: int) -> dict[str, str]:
    """Where the page keeps the pictures of a run's images: image_id -> "table:row"."""
    number = next(number for number, table in enumerate(tables) if run in table.runs)
    return {str(tables[number].image_ids[row]): f"{number}:{row}" for row in pictures[number]}


def _shown(table: ImageTable, sections: Sequence[RunSection]) -> set[str]:
    """Persons in the lists of mistakes of the table's runs."""
    of_table = [sections[run] for run in table.runs]
    worst = {mistake.person for section in of_table for mistake in section.worst}
    return worst | {person.person for section in of_table for person in section.throughout}
