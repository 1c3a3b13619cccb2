"""Seconds and images of each epoch, in a table of its own: the log of metrics is the same in every repetition."""

import csv
from pathlib import Path

from data.errors import DataError
from runners.state import write_table

Row = dict[str, object]


class Timing:
    """The table at `path`: columns epoch, seconds, images."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, epoch: int, seconds: float, images: int) -> None:
        """Add an epoch, keeping those of an earlier, interrupted start; a damaged table costs them, not the run."""
        try:
            earlier: list[Row] = [row for row in self.rows() if int(str(row["epoch"])) < epoch]
        except DataError:
            earlier = []
        write_table(self.path, [*earlier, {"epoch": epoch, "seconds": round(seconds, 3), "images": images}])

    def epochs(self) -> int:
        """How many epochs were saved; 0 of a damaged table."""
        try:
            return len(self.rows())
        except DataError:
            return 0

    def rows(self) -> list[Row]:
        """What was saved so far; DataError where the file holds anything else."""
        if not self.path.exists():
            return []
        try:
            with self.path.open(newline="", encoding="utf-8") as file:
                return [
                    {"epoch": int(row["epoch"]), "seconds": float(row["seconds"]), "images": int(row["images"])}
                    for row in csv.DictReader(file)
                ]
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            raise DataError(f"{self.path} is damaged: rows of epoch,seconds,images would be right.") from error
