"""The ways to estimate a leaderboard score from out-of-fold predictions, each judged against the public scores."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.matching.candidates import TILTED, TILTED_TO_TEST, Bools, random_families, stratified_folds
from analysis.matching.domain_shift import domain_weights
from analysis.matching.label_shift import em_prior, label_weights
from analysis.matching.match_evidence import Evidence
from analysis.matching.score_noise import score_deviation
from analysis.matching.split_choice import Judgement, choose, judge_reference
from analysis.matching.split_score import blocks, score_splits, weighted_macro_f1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scorer = Callable[[NDArray[np.integer]], Floats]

BLOCK_CELLS = 4 * 2**20     # candidates x persons held as floats at once
FEWEST_ROWS = 128
NEARLY_WHOLE = 0.02         # a fold dealt may be this much larger or smaller than the share of persons asked for
WHOLE_TABLE, LABEL_TABLE, DOMAIN_TABLE = "whole table", "label-weighted table", "domain-weighted table"
FOLDS = "folds"


@dataclass(frozen=True)
class Estimate:
    """One row of the table. score: labels (R, N) of any runs -> the scores to expect, (R,)."""

    name: str
    kind: Literal["reference", "average", "split"]
    judgement: Judgement
    score: Scorer
    members: Bools | None = None        # (P,) the persons, where it is a split


@dataclass(frozen=True)
class Shift:
    """What is known of the test set without its answers; None where test predictions or features are missing."""

    prior: Floats | None                # (C,) class shares
    domain: Floats | None               # (N,) weights of the training images

    @property
    def left_out(self) -> list[str]:
        """What could not be tried, and what it would have taken."""
        label = ["label-weighted table and label prior splits need test predictions (test)"] * (self.prior is None)
        domain = ["domain-weighted table and domain splits need features and test_features, or test"]
        return label + domain * (self.domain is None)


def estimate_shift(evidence: Evidence, seed: int) -> Shift:
    """Class shares and domain weights of the test set, from predictions and features alone: no leaderboard score."""
    prior = domain = None
    if evidence.test_labels is not None:
        prior = em_prior(evidence.targets, evidence.labels, evidence.test_labels, evidence.class_count)
    if evidence.shift is not None:
        domain = domain_weights(evidence.shift[0], evidence.person_of_image, evidence.shift[1], seed=seed)
    return Shift(prior, domain)


def reference_weights(evidence: Evidence, shift: Shift) -> dict[str, Floats]:
    """Weights (N,) of the images, all mean 1: the whole out-of-fold table, and it reweighted."""
    weights = {WHOLE_TABLE: np.ones(evidence.targets.size)}
    if shift.prior is not None:
        weights[LABEL_TABLE] = label_weights(evidence.targets, shift.prior)
    if shift.domain is not None:
        weights[DOMAIN_TABLE] = shift.domain
    return weights


def public_noise(evidence: Evidence, weights: Floats) -> float:
    """Standard deviation of a public score: images mixed by weights (N,), as many persons as the public half has."""
    deviations = score_deviation(
        evidence.targets, evidence.person_of_image, evidence.labels, weights, evidence.public_persons
    )
    return float(np.sqrt(np.mean(deviations**2)))


def reference_estimates(evidence: Evidence, weights: dict[str, Floats]) -> list[Estimate]:
    """The whole table and its reweighted forms."""
    estimates = []
    for name, weight in weights.items():
        score = partial(weighted_macro_f1, evidence.targets, weights=weight)
        estimates.append(
            Estimate(name, "reference", judge_reference(score(evidence.labels), evidence.leaderboard), score)
        )
    return estimates


def split_estimates(
    evidence: Evidence, shift: Shift, noise: float, folds: Bools | None, size: int, candidates: int, seed: int
) -> list[Estimate]:
    """The best split of each family, and of the tilted families also the mean of their best.

    folds (K, P): the persons of each fold in use; None deals new ones, where a fold is about `size` persons.
    """
    persons = len(evidence.persons)
    families = random_families(evidence, size, shift.prior, shift.domain)
    count = max(1, candidates // len(families))
    dealt = max(2, round(persons / size))
    if folds is None and abs(1 / dealt - size / persons) <= NEARLY_WHOLE:
        folds = stratified_folds(evidence, dealt, np.random.default_rng([seed, 0, dealt]))
    estimates = [] if folds is None else family_estimates(evidence, FOLDS, [folds], noise)
    for number, family in enumerate(families, start=1):
        rng = np.random.default_rng([seed, number, count])
        rows = blocks(count, max(FEWEST_ROWS, BLOCK_CELLS // persons))
        drawn = (family.draw(rng, block.stop - block.start) for block in rows)
        estimates += family_estimates(evidence, family.name, drawn, noise)
    return estimates


def family_estimates(evidence: Evidence, name: str, drawn: Iterable[Bools], noise: float) -> list[Estimate]:
    """A family's best split; of a tilted family also the mean of its best. drawn: blocks (S, P) of candidates."""
    packed, scores = [], []
    for members in drawn:
        scores.append(score_splits(evidence.targets, evidence.person_of_image, evidence.labels, members))
        packed.append(np.packbits(members, axis=1))         # a bit a person: ten thousand candidates stay small
    choice = choose(np.concatenate(scores), evidence.leaderboard, noise)
    best = np.unpackbits(np.concatenate(packed)[choice.best], axis=1, count=len(evidence.persons)).astype(bool)
    score = partial(mean_split_score, evidence.targets, evidence.person_of_image)
    split = Estimate(name, "split", choice.single, partial(score, best[:1]), best[0])
    if name not in (TILTED, TILTED_TO_TEST):
        return [split]          # the mean of many of these comes to the table reweighted, a reference
    return [split, Estimate(f"{name}, best averaged", "average", choice.average, partial(score, best))]


def mean_split_score(targets: Ints, person_of_image: Ints, members: Bools, labels: NDArray[np.integer]) -> Floats:
    """Mean macro F1 over splits (K, P) of runs (R, N): (R,)."""
    return score_splits(targets, person_of_image, labels, members).mean(0)
