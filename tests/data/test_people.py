"""Traits of the drawn people: every cue leans one way, none decides alone."""

from dataclasses import astuple
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.people import MASK_COLOURS, Look, draw_look, draw_shot


@cache
def looks(gender: str, years: float, count: int = 200) -> list[Look]:
    return [draw_look(np.random.default_rng((7, number)), gender, years) for number in range(count)]


def trait(name: str, gender: str, years: float) -> np.ndarray:
    return np.array([getattr(look, name) for look in looks(gender, years)], float)


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.sampled_from(("male", "female")), st.floats(10, 90))
def test_every_look_can_be_drawn(seed, gender, years):
    look = draw_look(np.random.default_rng(seed), gender, years)
    for colour in (look.skin, look.hair, look.grey, look.iris, look.lip, look.clothes, look.second, look.wall):
        assert all(isinstance(channel, int) and 0 <= channel <= 255 for channel in colour)
    for name in ("greyness", "wrinkles", "sag", "spots", "lashes", "fringe", "recede", "curl", "beard"):
        assert 0 <= getattr(look, name) <= 1, name
    assert 0 < look.chin < look.jaw < look.face < look.shoulder
    assert sorted(mask.style for mask in look.masks) == sorted(MASK_COLOURS)
    shot = draw_shot(np.random.default_rng(seed), look)
    assert np.isfinite(np.hstack(astuple(shot))).all() and 1 <= shot.quality <= 95 and shot.noise > 0 <= shot.blur


def test_same_generator_same_person():
    assert looks("female", 40, 3) == looks.__wrapped__("female", 40, 3)
    assert looks("female", 40, 1) != looks("female", 40, 2)[1:]


@pytest.mark.parametrize(("name", "bigger"), [("hair_end", "female"), ("lashes", "female"), ("brow", "male"),
                                              ("jaw", "male"), ("beard", "male"), ("shoulder", "male")])
def test_gender_leans_but_overlaps(name, bigger):
    smaller = "male" if bigger == "female" else "female"
    more, less = trait(name, bigger, 35), trait(name, smaller, 35)
    assert more.mean() > less.mean() + 0.5 * max(more.std(), less.std())
    assert less.max() > more.min() or name == "beard"


@pytest.mark.parametrize("name", ["greyness", "wrinkles", "sag", "spots", "glasses", "recede"])
def test_age_shows_more_and_more(name):
    young, middle, old = (trait(name, "male", years).mean() for years in (22, 50, 68))
    assert young < middle < old


def test_some_people_mislead():
    assert (trait("hair_end", "male", 25) > 0.5).any() and (trait("hair_end", "female", 25) < 0.5).any()
    assert (trait("greyness", "male", 25) > 0.4).any() and (trait("greyness", "female", 70) < 0.4).any()


def test_photographs_of_one_person_share_room_and_light_but_are_never_the_same():
    people = looks("male", 30, 40)
    takes = [[draw_shot(np.random.default_rng((number, take)), look) for take in range(20)]
             for number, look in enumerate(people)]
    assert len({shot for shots in takes for shot in shots}) == 40 * 20
    for name in ("gain", "warmth"):
        values = np.array([[getattr(shot, name) for shot in shots] for shots in takes])              # (person, take)
        assert 0 < values.std(axis=1).mean() < 0.75 * values.mean(axis=1).std()
