"""The files a match leaves, and its record read back: which persons, which expected scores, how much noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.matching.split_score import score_splits
from data.errors import DataError
from runners.state import read_json

TWO_SIDED = 1.96        # standard deviations either side that hold 95 %


@dataclass(frozen=True)
class MatchFiles:
    """Where a match is written: next to each other, named after the split's CSV."""

    split: Path

    @property
    def kfold(self) -> Path:
        """All persons validated once: fold 0 is the match."""
        return self.split.with_name(f"{self.split.stem}_kfold.csv")

    @property
    def record(self) -> Path:
        """Family, seed, persons, error, expected score of each run."""
        return self.split.with_name(f"{self.split.stem}.json")

    @property
    def plot(self) -> Path:
        """Validation against leaderboard, before and after."""
        return self.split.with_name(f"{self.split.stem}.png")


@dataclass(frozen=True)
class MatchRecord:
    """What of an earlier match the leaderboard's table needs."""

    persons: NDArray[np.str_]               # of the matched validation set, sorted
    expected: Mapping[str, float]           # by run, as SplitMatch.expected gave it
    noise: float                            # standard deviation of a public score

    def split_score(
        self, targets: NDArray[np.int64], persons: NDArray[np.str_], labels: NDArray[np.int64]
    ) -> float | None:
        """Macro F1 of a run's labels (n,) on the matched persons; None where the run did not predict all of them."""
        unique = np.unique(persons)
        members = np.isin(unique, self.persons)
        if members.sum() != len(self.persons):
            return None
        return float(score_splits(targets, persons, labels[None], members[None])[0, 0])


def read_match(path: Path) -> MatchRecord | None:
    """The record of a match, None where there is none; DataError where the file is no such record."""
    if not path.exists():
        return None
    record = read_json(path)
    try:
        expected = {str(row["run"]): float(row["expected"]) for row in record["runs"]}
        return MatchRecord(np.array(record["persons"], np.str_), expected, float(record["noise"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is no record of a match ({type(error).__name__}: {error}); `python -m experiments "
                        "match` writes one.") from error
