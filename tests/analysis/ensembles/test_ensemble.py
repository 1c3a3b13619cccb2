"""The whole ensemble on simulated runs: scores, members, answers."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from analysis.ensembles.agreement import agreement
from analysis.ensembles.ensemble import build_ensemble
from analysis.ensembles.members import Members
from analysis.ensembles.recipe import Choice, Method
from analysis.matching.label_shift import label_weights
from data.errors import DataError


def test_every_method_is_scored_both_ways(members: Members) -> None:
    built = build_ensemble(members, Choice(Method.GREEDY))
    assert [each.name for each in built.methods] == [
        "mean", "geometric", "rank", "vote", "greedy", "weights", "stacking", "greedy + bias", "greedy + prior",
        "greedy + bias + prior",
    ]
    targets = members.targets
    for each, labels in zip(built.singles, members.labels, strict=True):
        expected = f1_score(targets, labels, average="macro")
        weighted = f1_score(targets, labels, average="macro", sample_weight=label_weights(targets, built.prior))
        assert (each.in_sample, each.cross_fitted) == (pytest.approx(expected), pytest.approx(expected))
        assert each.at_prior == pytest.approx(weighted) and each.members == 1
        assert abs(each.at_prior - each.cross_fitted) > 1e-4
    mean = built.methods[0]
    assert mean.in_sample == mean.cross_fitted == pytest.approx(
        f1_score(targets, members.oof.mean(0).argmax(1), average="macro"), abs=0.01
    )
    best = max(each.cross_fitted for each in built.singles)
    for each in (*built.singles, *built.methods, built.final):
        assert each.gain == pytest.approx(each.cross_fitted - best) and each.low <= each.high
    assert mean.low <= mean.gain <= mean.high
    assert built.final.members == len(built.kept.rows) and built.groups == 5


def test_the_test_set_is_answered_by_the_kept_members(members: Members, make_members) -> None:  # type: ignore[no-untyped-def]
    guesses = np.random.default_rng(0).dirichlet(np.full(18, 0.05), (1, len(members.targets))).astype(np.float32)
    built = build_ensemble(make_members(np.concatenate([guesses, members.oof]), members.targets), Choice(Method.MEAN))
    assert 0 not in built.kept.rows and built.kept.dropped[0].name == "run_0"
    rest = members.test[[row - 1 for row in built.kept.rows]].mean(0)
    assert (built.test_answers == rest.argmax(1)).mean() > 0.99
    everybody = build_ensemble(members, Choice(Method.MEAN), keep_all=True)
    assert everybody.kept.rows == (0, 1, 2, 3) and not everybody.kept.dropped
    assert everybody.final.cross_fitted == everybody.methods[0].cross_fitted


def test_a_simpler_blend_that_is_no_worse_is_named(members: Members) -> None:
    built = build_ensemble(members, Choice(Method.STACKING))
    plain = [each for each in built.methods if each.name in ("mean", "geometric", "rank", "vote")]
    best = max(plain, key=lambda each: each.cross_fitted)
    assert built.final.cross_fitted < best.cross_fitted and built.simpler == best
    chosen = build_ensemble(members, Choice(Method(best.name)), keep_all=True)
    assert chosen.simpler is None
    corrected = build_ensemble(members, Choice(Method.GREEDY, prior=True))
    assert corrected.simpler == max(plain, key=lambda each: each.at_prior)
    assert corrected.judged(corrected.final) == corrected.final.at_prior <= corrected.simpler.at_prior


def test_a_method_that_can_not_be_learnt_stops_only_those_who_chose_it(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.ensembles.stacking.MOST_STEPS", 2)
    built = build_ensemble(members, Choice(Method.MEAN))
    assert built.left_out == ("stacking is left out: Stacking found no end in 2 steps; take another method.",)
    assert "stacking" not in [each.name for each in built.methods]
    with pytest.raises(DataError, match="Stacking found no end"):
        build_ensemble(members, Choice(Method.STACKING))


def test_agreement_is_the_share_of_equal_answers() -> None:
    labels = np.array([[0, 1, 2, 2], [0, 1, 1, 1], [2, 2, 2, 2]])
    np.testing.assert_array_equal(agreement(labels), [[1, 0.5, 0.5], [0.5, 1, 0], [0.5, 0, 1]])
