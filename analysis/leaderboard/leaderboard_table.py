"""The leaderboard as a table: each registered submission's out-of-fold, expected and leaderboard scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.leaderboard.ledger import Submission
from analysis.leaderboard.match_inputs import check_submission_file
from analysis.leaderboard.match_record import TWO_SIDED, MatchRecord, read_match
from analysis.matching.score_noise import score_deviation
from analysis.matching.split_score import weighted_macro_f1
from analysis.run_predictions import RunPredictions, read_predictions
from data.errors import DataError


@dataclass(frozen=True)
class Line:
    """One row of the table, scores as macro F1 in 0..1; None where a run can't be read or a score is not known.

    how: what `expected` rests on: "match" (the estimate a match recommended), "split" (the run's score on the matched
    persons), "table" (its whole out-of-fold table). low and high: the band that holds 95 % of public scores, were the
    expected score true, because of the persons they are measured on.
    """

    submission: Submission
    oof: float | None = None
    expected: float | None = None
    how: str = ""
    noise: float | None = None          # standard deviation of a public score

    @property
    def gap(self) -> float | None:
        """Public minus out-of-fold score."""
        public = self.submission.public
        return None if public is None or self.oof is None else public - self.oof

    @property
    def band(self) -> tuple[float, float] | None:
        """Ends of the noise band, within 0..1."""
        if self.expected is None or self.noise is None:
            return None
        reach = TWO_SIDED * self.noise
        return max(0.0, self.expected - reach), min(1.0, self.expected + reach)

    @property
    def outside(self) -> bool:
        """Whether the public score lies outside the band: more than noise."""
        public = self.submission.public
        return public is not None and self.band is not None and not self.band[0] <= public <= self.band[1]


def leaderboard_lines(runs: Path, rows: Sequence[Submission], match_record: Path) -> tuple[list[Line], list[str]]:
    """A line for each registered submission, and a sentence for each whose run or file is no longer as it was."""
    match = read_match(match_record)
    lines, problems = [], []
    for row in rows:
        try:
            check_submission_file(runs, row)
            lines.append(_line(row, read_predictions(row.folder(runs)), match))
        except DataError as problem:
            lines.append(Line(row))
            problems.append(f"{row.short_name}: {problem}")
    return lines, problems


def _line(row: Submission, run: RunPredictions, match: MatchRecord | None) -> Line:
    weights = np.ones(run.targets.size)
    oof = float(weighted_macro_f1(run.targets, run.labels[None], weights)[0])
    expected, how = oof, "table"
    if match is not None:
        on_split = match.split_score(run.targets, run.persons, run.labels)
        if on_split is not None:        # else the match was made on other data
            expected, how = (match.expected[row.run], "match") if row.run in match.expected else (on_split, "split")
    return Line(row, oof, expected, how, match.noise if match and how != "table" else _noise(run))


def _noise(run: RunPredictions) -> float | None:
    """Standard deviation of a public score on half of the test images, None without any."""
    if not len(run.test):
        return None
    _, person = np.unique(run.persons, return_inverse=True)
    persons = max(1.0, len(run.test) / 2 * (1 + person.max()) / person.size)
    return float(score_deviation(run.targets, person, run.labels[None], np.ones(person.size), persons)[0])
