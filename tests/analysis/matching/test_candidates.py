"""Candidates have one size, keep their strata, and meet each person as often as they should."""

import numpy as np
import pytest

from analysis.matching.candidates import (
    Family,
    inclusion_probabilities,
    person_directions,
    prior_inclusion,
    random_families,
    sample_persons,
    stratified_folds,
)
from analysis.matching.match_evidence import Evidence, gather_evidence


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """120 persons of 3 classes, four images each; features in which a quarter of the persons stand out."""
    rng = np.random.default_rng(0)
    of_person = np.repeat([0, 1, 2], (72, 36, 12))
    persons, targets = np.repeat(np.arange(120), 4), np.repeat(of_person, 4)
    features = rng.normal(size=(480, 3)) + 4 * (persons % 4 == 0)[:, None]
    return gather_evidence(targets, persons, targets[None], [0.9], None, features, rng.normal(4, 1, (200, 3)), 0.2)


def family(evidence: Evidence, name: str, **known: np.ndarray | None) -> Family:
    families = random_families(evidence, 24, **({"prior": None, "domain": None} | known))
    return next(each for each in families if each.name == name)


def test_families_that_need_the_test_set_are_left_out_without_it(evidence: Evidence) -> None:
    prior, domain = np.array([0.2, 0.3, 0.5]), np.ones(480)
    names = [[each.name for each in random_families(evidence, 24, *known)] for known in (
        (None, None), (prior, None), (None, domain), (prior, domain),
    )]
    assert names == [
        ["stratified", "tilted"], ["stratified", "label prior", "tilted", "tilted to test"],
        ["stratified", "domain", "tilted", "tilted to test"],
        ["stratified", "label prior", "domain", "tilted", "tilted to test"],
    ]


def test_every_candidate_of_every_family_has_the_size_asked_for(evidence: Evidence) -> None:
    for each in random_families(evidence, 24, np.array([0.1, 0.2, 0.7]), np.exp(np.arange(480) / 40)):
        members = each.draw(np.random.default_rng(1), 300)
        assert members.shape == (300, 120) and members.dtype == bool
        assert (members.sum(1) == 24).all(), each.name
        assert len(np.unique(members, axis=0)) > 100


def test_stratified_sets_have_the_classes_of_the_whole(evidence: Evidence) -> None:
    members = family(evidence, "stratified").draw(np.random.default_rng(2), 200)
    per_class = np.stack([members[:, :72].sum(1), members[:, 72:108].sum(1), members[:, 108:].sum(1)])
    assert np.abs(per_class - np.array([[14.4], [7.2], [2.4]])).max() < 1
    np.testing.assert_allclose(members.mean(0), 0.2, atol=0.12)


def test_sets_drawn_to_a_prior_have_its_shares(evidence: Evidence) -> None:
    prior = np.array([0.3, 0.4, 0.3])
    members = family(evidence, "label prior", prior=prior).draw(np.random.default_rng(3), 100)
    shares = members @ evidence.class_counts / (24 * 4)
    assert np.abs(shares - prior).max() <= 1 / 24 + 1e-9


def test_a_prior_beyond_the_persons_there_are_takes_all_of_them(evidence: Evidence) -> None:
    inclusion = prior_inclusion(evidence.class_counts, np.array([0.0, 0.1, 0.9]), 24)
    assert inclusion.sum() == pytest.approx(24) and inclusion.max() <= 1
    assert inclusion[108:].min() > 0.99


def test_prior_is_met_where_a_person_has_images_of_several_classes() -> None:
    rng = np.random.default_rng(4)
    counts = rng.multinomial(6, (0.5, 0.3, 0.2), 300)
    prior = np.array([0.35, 0.35, 0.3])
    reached = prior_inclusion(counts, prior, 60) @ counts
    np.testing.assert_allclose(reached / reached.sum(), prior, atol=1e-3)


def test_domain_sets_meet_persons_in_proportion_to_their_weight(evidence: Evidence) -> None:
    weights = np.repeat(np.where(np.arange(120) % 4 == 0, 3.0, 0.5), 4)
    members = family(evidence, "domain", domain=weights).draw(np.random.default_rng(5), 2000)
    met = members.mean(0)
    assert met[::4].mean() / met[1::4].mean() == pytest.approx(6, rel=0.05)


def test_tilted_sets_reach_further_than_stratified_ones(evidence: Evidence) -> None:
    def spread(name: str) -> float:
        members = family(evidence, name).draw(np.random.default_rng(6), 300)
        return float((members[:, ::4].sum(1) / 24).std())               # of those who stand out in the features

    assert spread("tilted") > 1.5 * spread("stratified")


def test_sets_tilted_to_the_test_set_lie_between_it_and_the_training_set(evidence: Evidence) -> None:
    weights = np.repeat(np.where(np.arange(120) % 4 == 0, 3.0, 0.5), 4)
    members = family(evidence, "tilted to test", domain=weights).draw(np.random.default_rng(7), 400)
    share = members[:, ::4].sum(1) / 24
    assert 0.3 < share.mean() < 0.9 and np.ptp(share) > 0.4


def test_directions_are_uncorrelated_and_know_classes_and_features(evidence: Evidence) -> None:
    directions = person_directions(evidence)
    assert directions.shape == (120, 2 + 3)                              # shares of 3 classes sum to 1: 2 directions
    for block in (directions[:, :2], directions[:, 2:]):
        np.testing.assert_allclose(block.T @ block / 120, np.eye(block.shape[1]), atol=1e-9)


def test_sampling_meets_each_person_with_their_probability() -> None:
    inclusion = inclusion_probabilities(np.random.default_rng(8).gamma(1, 1, 30), 11)
    members = sample_persons(np.random.default_rng(9), np.broadcast_to(inclusion, (20_000, 30)), np.arange(30) // 5)
    assert (members.sum(1) == 11).all()
    np.testing.assert_allclose(members.mean(0), inclusion, atol=0.015)
    in_stratum = members.reshape(20_000, 6, 5).sum(2)
    assert np.abs(in_stratum - inclusion.reshape(6, 5).sum(1)).max() < 1        # the expectation, rounded up or down


@pytest.mark.parametrize("size", [1, 7, 29])
def test_probabilities_keep_proportions_below_the_cap(size: int) -> None:
    weights = np.exp(np.random.default_rng(10).normal(0, 2, (50, 30)))
    chances = inclusion_probabilities(weights, size)
    np.testing.assert_allclose(chances.sum(1), size)
    assert chances.max() <= 1 and chances.min() > 0
    ratio = np.where(chances < 1, chances / weights, np.nan)
    np.testing.assert_allclose(np.nanmax(ratio, 1), np.nanmin(ratio, 1), rtol=1e-4)
    assert (np.where(chances < 1, 0, weights * np.nanmax(ratio, 1, keepdims=True)) >= (chances == 1) * 0.999).all()


def test_weights_of_zero_give_way_only_where_there_is_room() -> None:
    chances = inclusion_probabilities(np.array([1.0, 1, 0, 0, 0]), 3)
    np.testing.assert_allclose(chances, [1, 1, 1 / 3, 1 / 3, 1 / 3])


def test_folds_part_the_persons_and_balance_their_classes(evidence: Evidence) -> None:
    folds = stratified_folds(evidence, 5, np.random.default_rng(11))
    np.testing.assert_array_equal(folds.sum(0), 1)
    per_class = folds.astype(int) @ (evidence.class_counts > 0)
    assert np.ptp(per_class, axis=0).max() <= 1
