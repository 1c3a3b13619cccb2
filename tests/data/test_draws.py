import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from data.draws import reseed, uniform

WORDS = st.integers(0, 2**64 - 1)
KEYS = st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=5)


def splitmix64(state: int) -> int:
    """The published generator's next output, in Python's own whole numbers."""
    mask = 2**64 - 1
    z = (state + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


@given(KEYS, st.integers(0, 100))
def test_each_key_has_its_number_whatever_else_is_asked(keys, stream: int) -> None:
    drawn = uniform(np.array(keys, np.uint64), stream)
    for key, number in zip(keys, drawn, strict=True):
        state = splitmix64(stream)
        for part in key:
            state = splitmix64(state ^ part)
        assert number == (state >> 11) / 2**53
        assert number == uniform(np.array([key], np.uint64), stream)[0]


def test_numbers_are_uniform_over_images_epochs_and_streams_and_not_tied_to_each_other() -> None:
    numbers = np.arange(20_000, dtype=np.uint64)
    still = np.zeros_like(numbers)
    images = uniform(np.stack([still + np.uint64(42), still, numbers], axis=1), stream=1)
    epochs = uniform(np.stack([still + np.uint64(42), numbers, still], axis=1), stream=1)
    other = uniform(np.stack([still + np.uint64(42), still, numbers], axis=1), stream=2)
    for drawn in (images, epochs, other):
        assert kstest(drawn, "uniform").pvalue > 0.001
    tied = np.corrcoef(np.stack([images[:-1], images[1:], epochs[1:], other[1:]]))
    assert np.abs(tied[~np.eye(4, dtype=bool)]).max() < 0.03  # 1 / sqrt(20,000) = 0.007 by chance


def test_a_generator_is_put_where_the_key_says_whatever_it_drew_before() -> None:
    first, second = (np.random.default_rng(seed) for seed in (1, 2))
    one, other = random.Random(1), random.Random(2)  # noqa: S311
    first.random(7, np.float32), one.random(), one.gauss(0, 1)  # half a word, and half of a pair, is left over
    reseed(first, one, (42, 1, 99))
    reseed(second, other, (42, 1, 99))
    assert first.random(3, np.float32).tolist() == second.random(3, np.float32).tolist()
    assert [one.gauss(0, 1), one.random()] == [other.gauss(0, 1), other.random()]
    drawn = set()
    for key in ((42, 1, 99), (43, 1, 99), (42, 2, 99), (42, 1, 98), (421, 99, 0)):
        reseed(first, one, key)
        drawn |= {first.random(), one.random()}
    assert len(drawn) == 10


def test_what_reseeded_generators_draw_is_uniform() -> None:
    generator, chances = np.random.default_rng(0), random.Random(0)  # noqa: S311
    drawn = []
    for image in range(5_000):
        reseed(generator, chances, (42, 1, image))
        drawn.append((generator.random(), chances.random()))
    both = np.array(drawn)
    assert all(kstest(column, "uniform").pvalue > 0.001 for column in both.T)
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.05
