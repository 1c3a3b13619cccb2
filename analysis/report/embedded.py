"""The data of the page's script: image tables as JSON, within a size, and without a letter that HTML reads."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from analysis.mistakes.factors import all_factors
from analysis.report.image_table import ImageTable, carried_images

IMAGES_BUDGET = 4_000_000  # characters of the tables, about; ten runs of 18,900 images need 2,300,000
A_RUN = 6  # characters an image and run: class, probability, commas
AN_IMAGE = 16  # characters an image: number of the person, target, quotes, commas


def fitting(tables: Sequence[ImageTable], budget: int = IMAGES_BUDGET) -> list[ImageTable]:
    """The tables, cut to the same share of their images where they would need more than `budget` characters."""
    needed = sum(_characters(table) for table in tables)
    if needed <= budget:
        return list(tables)
    return [carried_images(table, int(len(table.image_ids) * budget / needed)) for table in tables]


def embedded(tables: Sequence[ImageTable], thumbnails: Sequence[Mapping[int, str]]) -> Markup:
    """JSON {tables, runs} for a <script type="application/json">; thumbnails: of each table, by row.

    `<`, `>`, `&` and everything outside ASCII are escaped as JSON escapes, so that no text in it ends the element.
    """
    runs: dict[int, dict[str, Any]] = {}
    for number, table in enumerate(tables):
        percent = np.rint(100 * table.probability).astype(int)
        for place, predicted, probability in zip(table.runs, table.predicted, percent, strict=True):
            runs[place] = {"table": number, "predicted": predicted.tolist(), "probability": probability.tolist()}
    value = {
        "tables": [_table(table, pictures) for table, pictures in zip(tables, thumbnails, strict=True)],
        "runs": [runs[place] for place in sorted(runs)],
    }
    return json_for_html(value)


def json_for_html(value: object) -> Markup:
    """JSON that stands inside a script element as it is."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  (no letter that HTML reads is left)


def _table(table: ImageTable, thumbnails: Mapping[int, str]) -> dict[str, Any]:
    persons, person_of_image = np.unique(table.persons, return_inverse=True)
    return {
        "classes": list(table.classes),
        "persons": persons.tolist(),
        "person": person_of_image.tolist(),
        "images": table.image_ids.tolist(),
        "targets": table.targets.tolist(),
        "factors": {factor.name: factor.of_class.tolist() for factor in all_factors(table.classes)},
        "thumbnails": {str(row): picture for row, picture in thumbnails.items()},
    }


def _characters(table: ImageTable) -> int:
    """About what a table's JSON needs; a letter outside ASCII is written in six."""
    names = [*table.image_ids.tolist(), *np.unique(table.persons).tolist()]
    letters = sum(len(name) if name.isascii() else 6 * len(name) for name in names)
    return letters + len(table.image_ids) * (AN_IMAGE + A_RUN * len(table.runs))
