"""A match kept as data: the split, a k-fold around it, and a record of what it is worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.leaderboard.ledger import Submission
from analysis.leaderboard.match_inputs import MatchInputs
from analysis.leaderboard.match_record import TWO_SIDED, MatchFiles
from analysis.split_match import SplitMatch
from data.errors import DataError
from data.splits import PersonStratifiedKFold, check_split, split_text
from runners.state import write_json, write_text

FOLD_COLUMNS = ["image_id", "path", "person", "target", "fold"]


@dataclass(frozen=True)
class Expectation:
    """The public score to expect of a submission (95 %: low to high), and its score on the matched split alone."""

    submission: Submission
    expected: float
    low: float
    high: float
    split: float


@dataclass(frozen=True)
class MatchSettings:
    """How a match was asked for."""

    valid_fraction: float
    candidates: int


def expectations(match: SplitMatch, inputs: MatchInputs) -> list[Expectation]:
    """One for each submission, the scored ones first; the range is as wide as the estimate's error or noise asks."""
    reach = TWO_SIDED * max(float(match.table.loc[match.recommended, "error"]), match.noise)    # type: ignore[arg-type]
    pairs = [*zip(inputs.scored, inputs.oof, strict=True), *zip(inputs.unscored, inputs.unscored_oof, strict=True)]
    scores = [(row, match.expected(oof), match.expected(oof, by=match.family)) for row, oof in pairs]
    return [Expectation(row, score, max(0.0, score - reach), min(1.0, score + reach), split)
            for row, score, split in scores]


def write_match(
    files: MatchFiles, match: SplitMatch, inputs: MatchInputs, settings: MatchSettings, now: datetime
) -> None:
    """Write the split, the k-fold and, last, the record; each durably."""
    split, kfold = matched_folds(inputs.table, match, settings.valid_fraction)
    try:
        for path, folds in ((files.split, split), (files.kfold, kfold)):
            write_text(path, split_text(inputs.table.assign(fold=folds)[FOLD_COLUMNS]))
        write_json(files.record, _record(match, inputs, settings, now))
    except OSError as error:
        raise DataError(f"{files.split.parent} can't be written: {error.strerror}.") from error


def matched_folds(
    table: pd.DataFrame, match: SplitMatch, valid_fraction: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The split, 0 for the matched persons' images and -1 for the others, and the k-fold whose fold 0 is the match.

    The others are dealt to folds 1, 2, ... of about the match's size, at least two, stratified: both (N,).
    """
    matched = table["person"].isin(match.persons.tolist()).to_numpy()
    rest = PersonStratifiedKFold(folds=max(2, round(1 / valid_fraction) - 1))
    split, kfold = np.where(matched, 0, -1), np.zeros(len(table), np.int64)
    kfold[~matched] = 1 + rest.assign(table[~matched], seed=match.seed)
    for folds in (split, kfold):
        check_split(table["person"], folds)
    return split, kfold


def _record(match: SplitMatch, inputs: MatchInputs, settings: MatchSettings, now: datetime) -> dict[str, Any]:
    chosen = match.table.loc[match.family]
    error = {"of": "leave-one-submission-out, root mean square; low and high: 95 %"}
    return {
        "family": match.family, "seed": match.seed,
        "valid_fraction": settings.valid_fraction, "candidates": settings.candidates,
        "error": error | {end: float(chosen[name]) for end, name in _ERROR_COLUMNS},    # type: ignore[arg-type]
        "thin": match.thin, "recommended": match.recommended, "noise": match.noise, "advice": match.advice,
        "runs": _expected_runs(expectations(match, inputs)),
        "table": [{str(key): _plain(value) for key, value in row.items()}
                  for row in match.table.reset_index().to_dict("records")],
        "left_out": list(inputs.left_out), "written": now.isoformat(timespec="seconds"),
        "images": len(inputs.table), "persons": [str(person) for person in match.persons],
    }


_ERROR_COLUMNS = (("value", "error"), ("low", "low"), ("high", "high"))


def _expected_runs(expected: Sequence[Expectation]) -> list[dict[str, Any]]:
    return [
        {"run": each.submission.run, "sha256": each.submission.sha256, "public": each.submission.public,
         "expected": each.expected, "low": each.low, "high": each.high, "split": each.split}
        for each in expected
    ]


def _plain(value: Any) -> Any:
    """A cell as JSON: NaN, an order that could not be told, is null."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
