"""Images from elsewhere that every fold trains on and none validates."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.errors import DataError, quote
from data.findings import some_names
from data.images import file_sha256
from data.metadata import ImageData
from data.reading import read_data
from data.training_rows import ExtraRows, TrainingRows


@dataclass(frozen=True)
class ExternalImages:
    """The training images of another data set: a CSV with path,label,group, or a folder of the competition's layout.

    They are trained on in every fold, never validated and no part of the out-of-fold table. Their persons must be
    others than the data's, their classes among the data's. Copies of the data's images are refused by
    :mod:`data.external_copies`, which has to look at pixels.
    """

    path: str | Path

    def for_folds(
        self, data: ImageData, validated: Sequence[Collection[str]], most: int | None = None
    ) -> list[ExtraRows]:
        """The rows for each fold, the same ones for all; validated: the persons that each fold validates.

        most: about how many images, of the first persons; None: all. Paths of the rows are absolute. Raises DataError
        for what can't be read as data, a class the competition does not have, a person it has already.
        """
        external = read_data(Path(self.path))
        table = external.train
        if most is not None:
            table = table[table["person"].isin(table["person"].head(most))]
        self._check_classes(external, table, data)
        self._check_persons(table, data)
        names = [external.class_names[target] for target in table["target"]]
        digests = [file_sha256(external.root / path) for path in table["path"]]
        content = json.dumps([*zip(table["path"], table["person"], names, digests, strict=True)])
        origin = {
            "kind": "external images",
            "images": len(table),
            "persons": int(table["person"].nunique()),
            "content": hashlib.sha256(content.encode()).hexdigest(),
        }
        root = external.root.resolve()
        rows = table.assign(
            path=[(root / path).as_posix() for path in table["path"]],
            target=[data.class_names.index(name) for name in names],
        )
        return [ExtraRows(TrainingRows(rows.reset_index(drop=True)), origin)] * len(validated)

    def _check_classes(self, external: ImageData, table: pd.DataFrame, data: ImageData) -> None:
        used = [external.class_names[target] for target in sorted(table["target"].unique())]
        unknown = [name for name in used if name not in data.class_names]
        if unknown:
            raise DataError(
                f"{self.path}: {quote(unknown[0])} is none of the {len(data.class_names)} classes of {data.root}: "
                f"{some_names(data.class_names, len(data.class_names))} would be right."
            )

    def _check_persons(self, table: pd.DataFrame, data: ImageData) -> None:
        known = set(data.train["person"])
        shared = [person for person in table["person"].unique() if person in known]
        if shared:
            raise DataError(
                f"{self.path}: {some_names(shared, 3)} is the name of a person of {data.root} too, and nobody "
                "may be trained on where they are validated: other persons, or other names for them, would be right."
            )
