"""Candidate validation sets: equally large sets of persons, a family for each way of choosing who is likely in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.matching.domain_shift import principal_components
from analysis.matching.match_evidence import Evidence

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

STRATIFIED, PRIOR, DOMAIN = "stratified", "label prior", "domain"
TILTED, TILTED_TO_TEST = "tilted", "tilted to test"
PRIOR_STEPS = 60            # fixed-point steps towards a prior: persons are taken whole and once, so no closed form
FREE_TILT = 0.35            # standard deviation of a random tilt along each direction, in the person's own deviations
GUIDED_TILT = 0.2           # the same on top of the test set's shift
LARGEST_PULL = 1.5          # and that shift is taken 0 to this many times
FEATURE_DIRECTIONS = 8


@dataclass(frozen=True)
class Family:
    """A way to draw candidates. draw(rng, count) gives `count` sets of persons, (count, P) bool."""

    name: str
    draw: Callable[[np.random.Generator, int], Bools]


def random_families(evidence: Evidence, size: int, prior: Floats | None, domain: Floats | None) -> list[Family]:
    """The families drawn at random, each set of `size` persons.

    prior (C,): the estimated class shares of the test set, or None; domain (N,): domain weights of images, or None.
    """
    stratum = np.unique(evidence.class_counts, axis=0, return_inverse=True)[1].ravel()
    even = np.full(len(evidence.persons), size / len(evidence.persons))
    chances = {STRATIFIED: even}
    if prior is not None:
        chances[PRIOR] = prior_inclusion(evidence.class_counts, prior, size)
    if domain is not None:
        chances[DOMAIN] = inclusion_probabilities(evidence.person_means(domain), size)
    families = [Family(name, fixed_draw(inclusion, stratum)) for name, inclusion in chances.items()]
    directions = person_directions(evidence)
    families.append(Family(TILTED, tilted_draw(directions, FREE_TILT, even, stratum, size)))
    if len(chances) > 1:
        towards = list(chances.values())[-1]        # the domain's chances, or the prior's where no domain is known
        families.append(Family(TILTED_TO_TEST, tilted_draw(directions, GUIDED_TILT, towards, stratum, size)))
    return families


def stratified_folds(evidence: Evidence, folds: int, rng: np.random.Generator) -> Bools:
    """Persons of each of `folds` folds, classes balanced: (folds, P)."""
    stratum = np.unique(evidence.class_counts, axis=0, return_inverse=True)[1].ravel()
    order = np.lexsort((rng.random(stratum.size), stratum))
    fold = np.empty(stratum.size, np.int64)
    fold[order] = np.arange(stratum.size) % folds
    return fold == np.arange(folds)[:, None]


def fixed_draw(inclusion: Floats, stratum: Ints) -> Callable[[np.random.Generator, int], Bools]:
    """Draws in which each person's chance (P,) is the same in every candidate."""
    return lambda rng, count: sample_persons(rng, np.broadcast_to(inclusion, (count, inclusion.size)), stratum)


def tilted_draw(
    directions: Floats, spread: float, towards: Floats, stratum: Ints, size: int
) -> Callable[[np.random.Generator, int], Bools]:
    """Draws with a tilt of their own: chances in proportion to exp(tilt @ directions) x towards^pull.

    directions (P, K) of unit variance; towards (P,): chances. Tilts are normal with deviation `spread`, pulls uniform.
    """
    pulled = np.log(towards)

    def draw(rng: np.random.Generator, count: int) -> Bools:
        tilt = rng.normal(0, spread, (count, directions.shape[1]))                      # (S, K)
        pull = rng.uniform(0, LARGEST_PULL, (count, 1))
        exponent = tilt @ directions.T + pull * pulled                                  # (S, P)
        weights = np.exp(exponent - exponent.max(1, keepdims=True))
        return sample_persons(rng, inclusion_probabilities(weights, size), stratum)

    return draw


def person_directions(evidence: Evidence) -> Floats:
    """Uncorrelated directions in which persons differ, (P, K): by class (gender, age ...), and by features if known."""
    counts = evidence.class_counts
    shares = counts / counts.sum(1, keepdims=True)
    directions = [principal_components(shares, shares[:0])[0]]
    if evidence.shift is not None:
        means = np.stack([evidence.person_means(column) for column in evidence.shift[0].T], axis=1)
        directions.append(principal_components(means, means[:0], FEATURE_DIRECTIONS)[0])
    return np.hstack(directions)


def sample_persons(rng: np.random.Generator, inclusion: Floats, stratum: Ints) -> Bools:
    """Sets of persons in which person p is met with probability inclusion[s, p], balanced over strata: (S, P).

    Rows of inclusion (S, P) sum to the whole number of persons in every set. Systematic sampling along the persons,
    ordered by stratum (P,) and at random within it: a stratum's count is its expectation rounded up or down.
    Source: Madow, On the theory of systematic sampling II, Annals of Mathematical Statistics 20, 1949.
    """
    order = np.argsort(stratum.astype(np.float32) + rng.random(inclusion.shape, np.float32), axis=1)
    reached = np.cumsum(np.take_along_axis(inclusion, order, 1), axis=1)
    reached[:, -1] = np.rint(reached[:, -1])
    start = rng.random((len(inclusion), 1)) * (1 - 1e-9)        # below 1 also after the sum is rounded
    crossed = np.diff(np.floor(reached + start), axis=1, prepend=0) > 0
    members = np.empty(inclusion.shape, bool)
    np.put_along_axis(members, order, crossed, 1)
    return members


def inclusion_probabilities(weights: Floats, size: int) -> Floats:
    """Probabilities (..., P) in proportion to weights >= 0, none above 1, that sum to `size` < P.

    The k largest are certain, k the fewest that leave no other above its due; the rest share size - k.
    """
    weights = weights + 1e-12 * weights.max(-1, keepdims=True)                   # nobody is impossible
    ordered = -np.sort(-weights, axis=-1)
    tail = np.cumsum(ordered[..., ::-1], axis=-1)[..., ::-1]                    # of the weights from each place on
    left = size - np.arange(weights.shape[-1])                              # places left once all before are certain
    certain = (ordered * left <= tail).argmax(-1)[..., None]
    share = (size - certain) / np.take_along_axis(tail, certain, -1)
    return np.minimum(1, weights * share)


def prior_inclusion(class_counts: Ints, prior: Floats, size: int) -> Floats:
    """Probabilities (P,) under which the expected class shares of a set's images come as near `prior` (C,) as can be.

    class_counts (P, C). Chances are exp(shares @ tilt), the least change that reaches the shares; a class's tilt grows
    while the class falls short, and stops at e^8 where its persons do not suffice.
    """
    shares = class_counts / class_counts.sum(1, keepdims=True)
    met = class_counts.any(0)
    wanted = np.maximum(prior[met], 1e-4) / np.maximum(prior[met], 1e-4).sum()
    tilt = np.zeros(len(prior))
    inclusion = np.full(len(class_counts), size / len(class_counts))
    for _ in range(PRIOR_STEPS):
        reached = (inclusion @ class_counts)[met]
        tilt[met] = np.clip(tilt[met] + np.log(wanted * reached.sum() / np.maximum(reached, 1e-9)), -8, 8)
        inclusion = inclusion_probabilities(np.exp(shares @ tilt), size)
    return inclusion
