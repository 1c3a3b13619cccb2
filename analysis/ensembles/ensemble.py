"""One ensemble: every method scored both ways, members kept or dropped, and the answers for the test set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.comparison.resampled import resample
from analysis.ensembles.agreement import agreement
from analysis.ensembles.contribution import Kept, keep_members
from analysis.ensembles.cross_fit import CrossFit, cross_fit, estimated_priors, person_groups
from analysis.ensembles.members import Members
from analysis.ensembles.recipe import Choice, Method, Recipe
from analysis.matching.label_shift import Shares, label_weights
from analysis.matching.split_score import weighted_macro_f1
from data.errors import DataError

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredChoice:
    """Macro F1 on the out-of-fold images; of a single member both scores are its own."""

    name: str
    members: int
    in_sample: float  # learnt on the images it is scored on
    cross_fitted: float  # learnt on other persons
    at_prior: float  # cross-fitted, images weighted to the estimated class shares of the test set
    gain: float  # cross-fitted, less the best single member
    low: float  # 95 % interval of the gain, persons drawn again
    high: float


@dataclass(frozen=True)
class Ensemble:
    """Everything an ensemble's table, record and submission are made of."""

    members: Members  # all that were given
    kept: Kept
    choice: Choice
    groups: int  # of persons: weights are scored on one, learnt on the others
    recipe: Recipe  # of the kept members, learnt on all out-of-fold images
    singles: tuple[ScoredChoice, ...]  # each member, in the order given
    methods: tuple[ScoredChoice, ...]  # all methods, and the chosen one's corrections, with all members
    left_out: tuple[str, ...]  # a sentence for each method that can't be learnt on these images
    final: ScoredChoice  # the choice with the members that were kept
    agreement: Floats  # (M, M) share of out-of-fold images answered alike
    prior: Shares  # (C,) estimated of the test set
    test_answers: Labels  # (m,) class of each test image

    @property
    def simpler(self) -> ScoredChoice | None:
        """A method that learns nothing and is no worse than the choice, the best of them; None where there is none."""
        names = {method.value for method in Method if not method.learns}
        if not self.kept.dropped:
            names -= {self.choice.name}  # the choice itself, of all members
        plain = [each for each in self.methods if each.name in names and self.judged(each) >= self.judged(self.final)]
        return max(plain, key=self.judged, default=None)

    def judged(self, scored: ScoredChoice) -> float:
        """The score that choices are compared by: with a correction to the test prior, the one at that prior."""
        return scored.at_prior if self.choice.prior else scored.cross_fitted


def build_ensemble(members: Members, choice: Choice, keep_all: bool = False) -> Ensemble:
    """Score all methods, drop members that add less than the noise unless `keep_all`, learn the choice on the rest.

    The cross-fitted scores are of the out-of-fold table, by :func:`analysis.ensembles.cross_fit.cross_fit`. That of the
    kept members was looked at when they were chosen, and is to that small degree optimistic.
    """
    groups = person_groups(members)
    priors = estimated_priors(members, groups)
    fitted, left_out = _fitted(members, choice, groups, priors)
    everybody = tuple(range(len(members.names)))
    kept = Kept(everybody, (), ()) if keep_all else keep_members(members, choice.method, groups)
    chosen = next(each for each in fitted if each.choice == choice)
    if kept.rows != everybody:
        chosen = cross_fit(members.take(kept.rows), [choice], groups, priors)[0]

    scored = _scored(members, [*fitted, chosen], priors[-1], len(kept.rows))
    return Ensemble(
        members=members,
        kept=kept,
        choice=choice,
        groups=len(chosen.parts),
        recipe=chosen.recipe,
        singles=tuple(scored[: len(everybody)]),
        methods=tuple(scored[len(everybody) : -1]),
        left_out=tuple(left_out),
        final=scored[-1],
        agreement=agreement(members.labels),
        prior=priors[-1],
        test_answers=chosen.recipe.labels(members.test[list(kept.rows)]),
    )


def _fitted(
    members: Members, choice: Choice, groups: Labels, priors: Sequence[Shares]
) -> tuple[list[CrossFit], list[str]]:
    """Every method, then the corrections of the chosen one; and a sentence for each method that can't be learnt here.

    DataError where that is the chosen one.
    """
    fitted: list[CrossFit] = []
    left_out = []
    for method in Method:
        choices = [Choice(method)]
        if method is choice.method and method.gives_probabilities:
            choices += [Choice(method, *both) for both in ((True, False), (False, True), (True, True))]
        try:
            fitted += cross_fit(members, choices, groups, priors)
        except DataError as reason:
            if method is choice.method:
                raise
            left_out.append(f"{method} is left out: {reason}")
    return sorted(fitted, key=lambda each: each.choice.bias or each.choice.prior), left_out


def _scored(members: Members, fitted: Sequence[CrossFit], prior: Shares, kept: int) -> list[ScoredChoice]:
    """Scores of each member, then of each choice; the last is of `kept` members."""
    in_sample = np.stack([*members.labels, *(each.in_sample for each in fitted)])  # (R, n)
    cross_fitted = np.stack([*members.labels, *(each.cross_fitted for each in fitted)])  # (R, n)
    ones, weights = np.ones(len(members.targets)), label_weights(members.targets, prior)
    optimistic = weighted_macro_f1(members.targets, in_sample, ones)
    honest = weighted_macro_f1(members.targets, cross_fitted, ones)
    at_prior = weighted_macro_f1(members.targets, cross_fitted, weights)
    best = int(honest[: len(members.names)].argmax())
    resampled = resample(members.targets, members.persons, cross_fitted, len(members.class_names))
    gains = [resampled.difference(run, best) for run in range(len(cross_fitted))]
    names = [*members.names, *(each.choice.name for each in fitted)]
    counts = [1] * len(members.names) + [len(members.names)] * (len(fitted) - 1) + [kept]
    rows = zip(names, counts, optimistic, honest, at_prior, gains, strict=True)
    return [
        ScoredChoice(name, count, float(seen), float(unseen), float(shifted), gain.value, gain.low, gain.high)
        for name, count, seen, unseen, shifted, gain in rows
    ]
