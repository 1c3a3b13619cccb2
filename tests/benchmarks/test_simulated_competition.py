"""The simulated worlds differ in what their names say, and in nothing else."""

import numpy as np
import pytest

from benchmarks.simulated_competition import WORLDS, simulate


@pytest.mark.parametrize("world", WORLDS)
def test_shapes_and_determinism(world: str) -> None:
    one, same, other = (simulate(world, seed, runs=3, persons=50, test_persons=40) for seed in (1, 1, 2))
    assert one.oof.shape == (3, 350, 18) and one.test.shape == (3, 280, 18)
    assert one.features.shape == (350, 16) and one.test_features.shape == (280, 16)
    assert one.public.shape == one.private.shape == (3,)
    np.testing.assert_allclose(one.oof.sum(2), 1, atol=1e-5)
    np.testing.assert_array_equal(one.oof, same.oof)
    assert not np.array_equal(one.targets, other.targets)


def test_each_person_has_seven_images_of_one_gender_and_age() -> None:
    competition = simulate("both", seed=0, runs=1, persons=60, test_persons=10)
    by_person = competition.targets.reshape(60, 7)
    np.testing.assert_array_equal(competition.persons.reshape(60, 7)[:, 0], np.arange(60))
    assert (by_person // 6 == [0, 0, 0, 0, 0, 1, 2]).all() and (by_person % 6 == by_person[:, :1] % 6).all()


def test_worlds_shift_what_they_name() -> None:
    old_share, drift = {}, {}
    for world in WORLDS:
        competition = simulate(world, seed=0, runs=4, persons=800, test_persons=800)
        predicted = competition.test.argmax(2) % 3 == 2
        old_share[world] = predicted.mean()
        centred = competition.test_features.mean(0) - competition.features.mean(0)
        drift[world] = np.linalg.norm(centred / competition.features.std(0))
    assert old_share["label shift"] > 2 * old_share["none"] and old_share["both"] > 2 * old_share["none"]
    assert drift["none"] < 0.5 < drift["label shift"] < drift["feature shift"]
