"""The gap of registered submissions between leaderboard and out-of-fold table, each part worked out from the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.leaderboard.leaks import Leaks, find_leaks, read_thumbnails
from analysis.leaderboard.ledger import Submission
from analysis.leaderboard.match_inputs import check_submission_file
from analysis.leaderboard.prior_estimate import estimated_prior
from analysis.matching.gap import Gap, explain_gap
from analysis.run_predictions import RunPredictions, read_predictions
from data.csv_rows import read_rows
from data.errors import DataError
from data.findings import raise_first
from runners.run_folder import RunFolder


@dataclass(frozen=True)
class ExplainedGap:
    """One submission's gap and what was found of leaks."""

    submission: Submission
    gap: Gap
    leaks: Leaks

    @property
    def text(self) -> str:
        """The paragraph a user reads."""
        return f"{self.gap.text} Leaks: {self.leaks.text}."


@dataclass(frozen=True)
class _Scored:
    submission: Submission
    predictions: RunPredictions


def explain_gaps(
    runs: Path, rows: Sequence[Submission], data_root: Path | None = None
) -> tuple[list[ExplainedGap], list[str]]:
    """The gap of each submission with a public score, and a sentence for each whose run can't be read.

    data_root: where the images are, to look for near-duplicates on both sides of the split; None: only persons.
    """
    scored, left_out = [], []
    for row in rows:
        try:
            if row.public is None:
                raise DataError("it has no public score.")
            check_submission_file(runs, row)
            scored.append(_Scored(row, read_predictions(row.folder(runs))))
        except DataError as reason:
            left_out.append(f"{row.short_name} is left out: {reason}")
    thumbnails: dict[tuple[str, ...], NDArray[np.float32]] = {}
    everybody = [each.predictions for each in scored]
    priors = [estimated_prior(each, everybody) for each in everybody]
    explained = [_explain(each, prior, data_root, thumbnails) for each, prior in zip(scored, priors, strict=True)]
    return explained, left_out


def read_folds(run: RunFolder) -> pd.DataFrame:
    """The split of a run, columns image_id, path, person (text) and fold (int64); DataError where it is damaged."""
    rows, findings = read_rows(run.folds, ("image_id", "path", "person", "fold"))
    raise_first(findings)
    folds = pd.to_numeric(rows["fold"], errors="coerce")
    if folds.isna().any():
        row = folds.index[folds.isna()][0]
        raise DataError(f"{run.folds}, row {row}: fold is {rows['fold'][row]!r}; expected 0, 1, ... or -1.")
    return rows.assign(fold=folds.astype(np.int64)).reset_index(drop=True)


def _explain(
    each: _Scored, prior: NDArray[np.float64] | None, data_root: Path | None,
    thumbnails: dict[tuple[str, ...], NDArray[np.float32]],
) -> ExplainedGap:
    predictions, public = each.predictions, each.submission.public
    table = read_folds(predictions.run)
    seen = None
    if data_root is not None:
        paths = tuple(table["path"])
        seen = thumbnails[paths] if paths in thumbnails else read_thumbnails(data_root, table)
        thumbnails[paths] = seen                    # runs of one data set share its images
    leaks = find_leaks(table, seen)
    leaked = pd.Series(leaks.images, index=table["image_id"]).reindex(predictions.image_ids, fill_value=False)
    images_a_person = len(predictions.persons) / len(np.unique(predictions.persons))
    assert public is not None  # noqa: S101  (only scored submissions come here)
    gap = explain_gap(
        predictions.targets, predictions.persons, predictions.oof, public, prior=prior,
        leaked=leaked.to_numpy(bool), public_persons=max(1.0, len(predictions.test) / 2 / images_a_person),
    )
    return ExplainedGap(each.submission, gap, leaks)
