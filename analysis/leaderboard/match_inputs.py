"""Registered submissions and their finished runs as the arrays a match takes; joined by image id, never by position."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.leaderboard.ledger import Submission
from analysis.run_predictions import Probabilities, RunPredictions, read_predictions
from data.errors import DataError, quote
from data.metadata import ImageData
from runners.state import file_digest


@dataclass(frozen=True)
class MatchInputs:
    """E scored and U unscored submissions on the same N training and M test images, in the data's order.

    Test probabilities are made as the out-of-fold ones are, by a single fold's network an image, so that neither the
    estimate of the test prior nor a domain classifier sees a difference that is none.
    """

    table: pd.DataFrame                 # the N training images: image_id, path, person, target
    scored: tuple[Submission, ...]      # E, each with its public score
    oof: Probabilities                  # (E, N, C)
    test: Probabilities                 # (E, M, C)
    folds: NDArray[np.int64]            # (N,) the split that most of the runs used
    unscored: tuple[Submission, ...]    # U, not scored yet: a score to expect can be said
    unscored_oof: Probabilities         # (U, N, C)
    left_out: tuple[str, ...]           # a sentence for each submission that can't be used

    @property
    def public(self) -> NDArray[np.float64]:
        """Public scores, (E,)."""
        return np.array([row.public for row in self.scored], np.float64)


@dataclass(frozen=True)
class _Joined:
    submission: Submission
    oof: Probabilities              # (N, C)
    test: Probabilities             # (M, C)
    folds: NDArray[np.int64]        # (N,)


def gather_inputs(runs: Path, rows: Sequence[Submission], data: ImageData) -> MatchInputs:
    """Arrays of all submissions that fit the data; DataError where no scored one is left, with the first reason."""
    joined, left_out = [], []
    for row in rows:
        try:
            joined.append(_join(runs, row, data))
        except DataError as reason:
            left_out.append(f"{row.short_name} is left out: {reason}")
    scored = [each for each in joined if each.submission.public is not None]
    unscored = [each for each in joined if each.submission.public is None]
    if not any(row.public is not None for row in rows):
        raise DataError(f"No submission in {runs} has a public score; `python -m experiments leaderboard add` enters "
                        "one.")
    if not scored:
        raise DataError(f"None of {len(rows)} submissions can be matched: {left_out[0]}")
    return MatchInputs(
        table=data.train[["image_id", "path", "person", "target"]].reset_index(drop=True),
        scored=tuple(each.submission for each in scored), oof=np.stack([each.oof for each in scored]),
        test=np.stack([each.test for each in scored]), folds=_commonest([each.folds for each in scored]),
        unscored=tuple(each.submission for each in unscored),
        unscored_oof=np.array([each.oof for each in unscored], np.float32), left_out=tuple(left_out),
    )


def check_submission_file(runs: Path, row: Submission) -> None:
    """DataError where a registered submission's run is gone or unfinished, or its file changed since."""
    run = row.folder(runs)
    if not run.finished or not run.submission.exists():
        raise DataError(f"{run.root} is gone or no longer finished; put the run back.")
    if file_digest(run.submission) != row.sha256:
        raise DataError(f"{run.submission} changed since it was registered on {row.registered[:10]}; put back the file "
                        f"as it was, {runs / row.upload}.")


def _join(runs: Path, row: Submission, data: ImageData) -> _Joined:
    """One submission's arrays in the order of the data's tables; DataError says why they don't fit."""
    check_submission_file(runs, row)
    predictions = read_predictions(row.folder(runs))
    if predictions.oof.shape[1] != len(data.class_names):
        raise DataError(f"it has {predictions.oof.shape[1]} classes, {data.root} has {len(data.class_names)}.")
    order = _order(predictions.image_ids, data.train["image_id"], f"training images of {data.root}")
    _check_same(predictions, order, data)
    test_order = _order(predictions.test_ids, data.test["image_id"], f"test images of {data.root}")
    return _Joined(
        row, predictions.oof[order], predictions.test_as_out_of_fold()[test_order], predictions.folds[order]
    )


def _order(found: NDArray[np.str_], wanted: "pd.Series[str]", what: str) -> NDArray[np.int64]:
    """Place of each wanted id among those found, (N,); DataError where the two sets differ."""
    index = pd.Index(found)
    if index.has_duplicates:
        raise DataError(f"it predicts image {quote(str(index[index.duplicated()][0]))} twice.")
    order = index.get_indexer(pd.Index(wanted))
    if len(index) > len(wanted) or not index.isin(wanted).all():
        foreign = index[~index.isin(wanted)]
        raise DataError(f"it is on other data: {len(foreign)} of its images, such as {quote(str(foreign[0]))}, are not "
                        f"among the {what}.")
    if (order < 0).any():
        missing = int((order < 0).sum())
        raise DataError(f"it has predictions of {len(index)} of the {len(wanted)} {what}, none of {missing}, such as "
                        f"{quote(str(wanted.iloc[int(np.argmax(order < 0))]))}; a k-fold run predicts all of them.")
    return order.astype(np.int64)


def _check_same(predictions: RunPredictions, order: NDArray[np.int64], data: ImageData) -> None:
    """DataError where an image has another class or person than in the data."""
    for what, found, column, hint in (
        ("class", predictions.targets[order], "target", "; were labels corrected? --corrections names the file"),
        ("person", predictions.persons[order], "person", ""),
    ):
        wanted = data.train[column].to_numpy()
        differs = found != wanted
        if differs.any():
            first = int(np.argmax(differs))
            raise DataError(f"it is on other data: {int(differs.sum())} images have another {what} than in {data.root}"
                            f", such as {quote(str(data.train['image_id'].iloc[first]))} ({found[first]} in the run, "
                            f"{wanted[first]} in the data){hint}.")


def _commonest(folds: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The split (N,) that most runs share, the earliest of equally common ones."""
    (body, _), *_ = Counter(split.astype(np.int64).tobytes() for split in folds).most_common(1)
    return np.frombuffer(body, np.int64).copy()
