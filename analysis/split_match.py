"""The validation split whose scores come out most like the leaderboard's, and the score to expect of the next run."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.matching.candidates import DOMAIN, PRIOR, STRATIFIED, TILTED, TILTED_TO_TEST, Bools
from analysis.matching.checked_arrays import checked_labels, checked_predictions
from analysis.matching.estimates import (
    DOMAIN_TABLE,
    FOLDS,
    LABEL_TABLE,
    WHOLE_TABLE,
    Estimate,
    Scorer,
    estimate_shift,
    public_noise,
    reference_estimates,
    reference_weights,
    split_estimates,
)
from analysis.matching.match_advice import advice, thin_reasons
from analysis.matching.match_evidence import Evidence, gather_evidence
from analysis.matching.split_score import score_splits
from data.errors import DataError

__all__ = ["SplitMatch", "match_folds", "match_splits", "score_splits"]

Floats = NDArray[np.float64]

# A single split is not in it beside references and averages: its own sampling noise would come on top.
PREFERENCE = (
    DOMAIN_TABLE, LABEL_TABLE, WHOLE_TABLE, *(f"{family}, best averaged" for family in (TILTED_TO_TEST, TILTED)),
    DOMAIN, PRIOR, STRATIFIED, FOLDS, TILTED_TO_TEST, TILTED,
)
TWO_SIDED = 1.96            # standard deviations either side that hold 95 %


@dataclass(frozen=True, eq=False)
class SplitMatch:
    """A matched split and everything needed to judge it.

    table: a row a reference, average or family. error: leave-one-submission-out root mean square error against the
    public scores, low and high its 95 % bootstrap interval over submissions; kendall: of the split chosen on all
    submissions; luck: probability that as many meaningless splits hold one that ranks the runs as well; candidates: how
    many it was chosen from; chosen: the family `persons` came from; recommended: the row :meth:`expected` uses.
    table.attrs["left_out"] lists what could not be tried. runs: a row a submission with its public score
    (leaderboard), the expected one with its 95 % range (low, high), and the scores of the split and of the whole table.
    """

    persons: NDArray[np.generic]        # the validation persons, sorted
    family: str
    seed: int
    table: pd.DataFrame
    runs: pd.DataFrame
    recommended: str
    noise: float                        # standard deviation of a public score, from sampling its persons
    thin: bool                          # too little evidence to trust the split more than a reference
    advice: str                         # the above in sentences
    _scorers: dict[str, Scorer] = field(repr=False)
    _images: int = field(repr=False)

    def expected(self, oof_of_a_new_run: ArrayLike, by: str | None = None) -> float:
        """Leaderboard score to expect of a run from its out-of-fold labels (N,) or probabilities (N, C).

        by: a row of the table to go by instead of the recommended one; `family` gives the score on the matched split.
        """
        if by is not None and by not in self._scorers:
            raise DataError(f"by: no row {by!r} in the table, there are {', '.join(self._scorers)}.")
        labels = checked_predictions(np.asarray(oof_of_a_new_run)[None], self._images, "oof_of_a_new_run")
        return float(self._scorers[by or self.recommended](labels)[0])


def match_splits(
    targets: ArrayLike, persons: ArrayLike, oof: ArrayLike, leaderboard: ArrayLike, *,
    test: ArrayLike | None = None, features: ArrayLike | None = None, test_features: ArrayLike | None = None,
    valid_fraction: float = 0.2, candidates: int = 10_000, seed: int = 0,
) -> SplitMatch:
    """The set of persons on which E runs score most like the public leaderboard, found without any training.

    targets (N,) int; persons (N,); oof (E, N) int labels or (E, N, C) probabilities, out of fold; leaderboard (E,)
    public macro F1 in 0..1. Optional: test (E, M) or (E, M, C), the same runs' predictions of the test images;
    features (N, D) and test_features (M, D) of one network. Test images should be predicted as the others are, by one
    fold's network each: a mean over folds is surer, which looks like a shift. What these are needed for and not given
    is left out.
    About `candidates` sets of valid_fraction of the persons are scored, split evenly over the families. The public half
    is taken to be half of the test images; without any test images, as large as the split.
    The same arguments give the same result. Raises DataError with a sentence on what does not fit.
    """
    return match_folds(
        None, targets, persons, oof, leaderboard, test=test, features=features, test_features=test_features,
        valid_fraction=valid_fraction, candidates=candidates, seed=seed,
    )


def match_folds(
    folds: ArrayLike | None, targets: ArrayLike, persons: ArrayLike, oof: ArrayLike, leaderboard: ArrayLike, *,
    test: ArrayLike | None = None, features: ArrayLike | None = None, test_features: ArrayLike | None = None,
    valid_fraction: float = 0.2, candidates: int = 10_000, seed: int = 0,
) -> SplitMatch:
    """As :func:`match_splits`, with the folds in use, (N,) int, as the family "folds"; None deals stratified ones."""
    if not 0 < valid_fraction < 1:
        raise DataError(f"valid_fraction: {valid_fraction} found, a share of the persons between 0 and 1 is needed.")
    for name, number, least in (("candidates", candidates, 1), ("seed", seed, 0)):
        if number != int(number) or number < least:
            raise DataError(f"{name}: {number} found, a whole number from {least} on is needed.")
    evidence = gather_evidence(targets, persons, oof, leaderboard, test, features, test_features, valid_fraction)
    size = min(max(1, round(valid_fraction * len(evidence.persons))), len(evidence.persons) - 1)
    in_use = None if folds is None else fold_members(evidence, folds)

    shift = estimate_shift(evidence, seed)
    weights = reference_weights(evidence, shift)
    noise = public_noise(evidence, list(weights.values())[-1])          # the mix nearest the test set's
    references = reference_estimates(evidence, weights)
    estimates = references + split_estimates(evidence, shift, noise, in_use, size, candidates, seed)

    chosen = nearest([each for each in estimates if each.kind == "split"], noise)
    reasons = thin_reasons(chosen.judgement.error, references[0].judgement.error, len(evidence.leaderboard))
    recommended = nearest(references if reasons else [each for each in estimates if each.kind != "split"], noise)
    members = np.flatnonzero(np.asarray(chosen.members))
    table = tabulate(estimates, chosen, recommended, seed)
    table.attrs["left_out"] = shift.left_out
    return SplitMatch(
        persons=evidence.persons[members], family=chosen.name, seed=seed, table=table,
        runs=tabulate_runs(evidence.leaderboard, chosen, recommended, references[0], noise),
        recommended=recommended.name, noise=noise, thin=bool(reasons),
        advice=advice(table, reasons, noise, len(members), len(evidence.persons)),
        _scorers={each.name: each.score for each in estimates}, _images=evidence.targets.size,
    )


def fold_members(evidence: Evidence, folds: ArrayLike) -> Bools:
    """Persons of each fold, (K, P), from the fold of each image (N,); DataError where a person is in two."""
    fold = checked_labels(folds, "folds")
    if fold.shape != evidence.targets.shape:
        raise DataError(f"folds: shape {fold.shape} found, {evidence.targets.shape} is needed: the fold of each image.")
    fold_of_person = np.zeros(len(evidence.persons), np.int64)
    fold_of_person[evidence.person_of_image] = fold
    split_images = np.flatnonzero(fold_of_person[evidence.person_of_image] != fold)
    if split_images.size:
        person = evidence.persons[evidence.person_of_image[split_images[0]]]
        raise DataError(f"folds: person {person} has images in two folds; a person's images belong to one.")
    return fold_of_person == np.unique(fold_of_person)[:, None]


def nearest(estimates: list[Estimate], noise: float) -> Estimate:
    """The estimate with the smallest error; mean squares less than the noise's variance apart are ties.

    Ties go to the earlier in PREFERENCE: what rests on the test images rather than on the scores it is judged by.
    What averages splits chosen by public scores has followed their noise, which is not there on the private half and
    flatters it by up to twice the noise's variance: that is added (covariance penalty: Efron, JASA 99, 2004).
    """
    judged = [each.judgement.error**2 + 2 * noise**2 * (each.kind == "average") for each in estimates]
    tied = [each for each, square in zip(estimates, judged, strict=True) if square <= min(judged) + noise**2]
    return min(tied, key=lambda each: PREFERENCE.index(each.name))


def tabulate(estimates: list[Estimate], chosen: Estimate, recommended: Estimate, seed: int) -> pd.DataFrame:
    """The table of :class:`SplitMatch`."""
    rows = []
    for each in estimates:
        low, high = each.judgement.interval(seed)
        rows.append({
            "family": each.name, "kind": each.kind, "candidates": each.judgement.candidates,
            "error": each.judgement.error, "low": low, "high": high, "kendall": each.judgement.kendall,
            "luck": each.judgement.luck, "chosen": each is chosen, "recommended": each is recommended,
        })
    return pd.DataFrame(rows).set_index("family")


def tabulate_runs(
    leaderboard: Floats, chosen: Estimate, recommended: Estimate, whole: Estimate, noise: float
) -> pd.DataFrame:
    """Each submission's public score beside what was to be expected, with the range that holds 95 %."""
    expected = recommended.judgement.scores
    reach = TWO_SIDED * max(recommended.judgement.error, noise)
    return pd.DataFrame({
        "leaderboard": leaderboard, "expected": expected, "low": expected - reach, "high": expected + reach,
        "split": chosen.judgement.scores, WHOLE_TABLE: whole.judgement.scores,
    }).rename_axis("run")
