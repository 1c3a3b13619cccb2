"""The delta method's deviation against drawing persons again and again."""

import numpy as np
import pytest

from analysis.matching.score_noise import score_deviation
from analysis.matching.split_score import score_splits


def correlated_run(rng: np.random.Generator, persons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, persons and labels of a run whose errors a person's five images share."""
    person = np.repeat(np.arange(persons), 5)
    targets = np.repeat(rng.choice(3, persons, p=(0.5, 0.3, 0.2)), 5)
    careless = np.repeat(rng.random(persons) < 0.25, 5) & (rng.random(person.size) < 0.8)
    return targets, person, np.where(careless, (targets + 1) % 3, targets)


def test_deviation_is_that_of_drawing_persons() -> None:
    rng = np.random.default_rng(0)
    targets, person, labels = correlated_run(rng, 800)
    drawn = rng.multinomial(200, np.full(800, 1 / 800), size=3000)                  # 200 persons, with replacement
    scores = score_splits(targets, person, labels[None], drawn)
    deviation = score_deviation(targets, person, labels[None], np.ones(person.size), 200)
    assert deviation.shape == (1,) and deviation[0] == pytest.approx(scores.std(), rel=0.06)
    of_images = score_deviation(targets, np.arange(person.size), labels[None], np.ones(person.size), 1000)
    assert of_images[0] < 0.7 * deviation[0]                                        # a person's images stray together


def test_deviation_of_a_reweighted_mix() -> None:
    rng = np.random.default_rng(1)
    targets, person, labels = correlated_run(rng, 800)
    of_person = np.array([0.4, 1.0, 2.5])[targets[::5]]
    drawn = rng.multinomial(150, of_person / of_person.sum(), size=3000)
    scores = score_splits(targets, person, labels[None], drawn)
    deviation = score_deviation(targets, person, labels[None], np.repeat(of_person, 5) * 7, 150)
    assert deviation[0] == pytest.approx(scores.std(), rel=0.06)


def test_images_of_weight_zero_are_as_if_they_were_not_there() -> None:
    rng = np.random.default_rng(2)
    targets, person, labels = correlated_run(rng, 60)
    kept = person >= 20
    weighted = score_deviation(targets, person, labels[None], kept.astype(float), 50)
    alone = score_deviation(targets[kept], person[kept] - 20, labels[None, kept], np.ones(kept.sum()), 50)
    np.testing.assert_allclose(weighted, alone)


def test_a_perfect_run_does_not_stray() -> None:
    targets = np.array([0, 1, 2, 0])
    assert score_deviation(targets, np.arange(4), targets[None], np.ones(4), 2)[0] == 0
