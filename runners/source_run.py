"""A finished run that another run takes something from: its test probabilities, or its number of epochs."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from data.csv_rows import from_cell, read_rows
from data.errors import DataError
from data.findings import raise_first, some_names
from runners.run_folder import RunFolder, latest_finished, list_runs
from runners.state import file_digest, read_arrays, read_json


@dataclass(frozen=True)
class SourceRun:
    """A run whose every file is what it was when the run ended."""

    run: RunFolder

    @property
    def name(self) -> str:
        """Experiment and identity, "baseline 304a34000a": the same wherever the run lies."""
        return f"{self.run.root.parent.name} {self.run.root.name.rpartition('-')[2]}"

    @property
    def is_probe(self) -> bool:
        """Whether it trained no network, only a linear layer."""
        return self.run.record.exists() and "classifier" in read_json(self.run.record)

    @cached_property
    def folds(self) -> pd.DataFrame:
        """Its split, one row a training image: person (text) and the fold that validated it, -1 for none."""
        return _persons_and_folds(self.run.folds)

    @cached_property
    def trained_on(self) -> list[frozenset[str]]:
        """The persons that each of its networks was trained on, those from elsewhere included."""
        persons, folds = self.folds["person"], self.folds["fold"]
        extra = _persons_and_folds(self.run.extra) if self.run.extra.exists() else None
        seen = []
        for number in range(len(self.predictions)):
            known = set(persons[folds != number])
            if extra is not None:
                known |= set(extra["person"][extra["fold"] == number])
            seen.append(frozenset(known))
        return seen

    @cached_property
    def predictions(self) -> list[dict[str, NDArray[Any]]]:
        """What each of its networks predicted, in the order of folds."""
        files = sorted(self.run.root.glob("fold_*/predictions.npz"), key=lambda path: int(path.parent.name[5:]))
        if not files or [path.parent.name for path in files] != [f"fold_{number}" for number in range(len(files))]:
            raise DataError(f"{self.run.root} has no predictions of single folds: an ordinary run would be right.")
        return [read_arrays(path) for path in files]

    @cached_property
    def test(self) -> dict[str, NDArray[Any]]:
        """Its test images: "image_ids" (M,), "probabilities" (M, C)."""
        return read_arrays(self.run.test)

    @property
    def prediction_digests(self) -> list[str]:
        """The sha256 of each fold's predictions.npz."""
        return [file_digest(self.run.fold(number).predictions) for number in range(len(self.predictions))]


def _persons_and_folds(file: Path) -> pd.DataFrame:
    """Columns person (text) and fold of a table that data.splits.split_text wrote."""
    rows, findings = read_rows(file, ("person", "fold"))
    raise_first(findings)
    return rows[["person", "fold"]].assign(person=rows["person"].map(from_cell)).astype({"fold": int})


def read_source_run(path: str, field: str) -> SourceRun:
    """The run in a folder, or the newest finished one of an experiment's folder, "runs/baseline".

    Raises DataError, which names the `field` that asks for it, where there is none, it was a trial with --fast, or a
    file of it is missing or no longer what it was.
    """
    root = Path(path)
    run: RunFolder | None = RunFolder(root)
    if not RunFolder(root).finished:
        run = latest_finished(root.parent, root.name)
    if run is None:
        there = [f"{each.root.parent}" for each in list_runs(root.parent) if each.finished]
        others = f"; finished ones are in {some_names(sorted(set(there)))}" if there else ""
        raise DataError(
            f"{field} takes a finished run, and {path} is none and holds none{others}: the folder of a run, or of an "
            "experiment in the runs folder, would be right."
        )
    if run.identity.exists() and read_json(run.identity).get("mode") == "fast":
        raise DataError(f"{field}: {run.root} is a trial with --fast, one batch of every stage: a full run is needed.")
    run.check_manifest()
    return SourceRun(run)


def blind_models(source: SourceRun, validated: Collection[str]) -> list[int]:
    """The networks of a run that were trained on none of the persons `validated`, by their folds' numbers."""
    persons = frozenset(validated)
    return [number for number, seen in enumerate(source.trained_on) if not persons & seen]
