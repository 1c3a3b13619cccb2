"""Random numbers as a function of (seed, draw, image) alone: whoever asks, in whatever order, gets the same ones."""

import hashlib
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Key = Sequence[int]  # (seed, draw, image)
Keys = NDArray[np.uint64]  # (B, 3)
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 / golden ratio: what SplitMix64 counts in
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # its shifts and factors; the last shift is 31


def uniform(keys: Keys, stream: int) -> Floats:
    """A number in [0, 1) for each key, (B,): a whole batch at once.

    stream: tells one question asked of a key from another, such as "mirrored?" from "how bright?".
    SplitMix64 (Steele, Lea and Flood 2014) takes in the parts of a key one by one.
    """
    state = _mixed(np.full(len(keys), stream, np.uint64))
    for part in keys.T:
        state = _mixed(state ^ part)
    return (state >> np.uint64(11)).astype(np.float64) / 2**53  # the 53 bits that a float64 holds


def reseed(generator: np.random.Generator, chances: random.Random, key: Key) -> None:
    """Put a generator of PCG64 and one of Python's where a key says; making new ones takes five times as long."""
    seed = hashlib.blake2b(" ".join(map(str, key)).encode(), digest_size=48).digest()
    state, odd, other = (int.from_bytes(seed[start : start + 16], "little") for start in (0, 16, 32))
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": odd | 1},
        "has_uint32": 0,
        "uinteger": 0,
    }
    chances.seed(other)


def _mixed(state: Keys) -> Keys:
    """SplitMix64's next output of each state (B,)."""
    state = state + _GOLDEN  # arrays wrap around, as is meant
    for shift, factor in _STEPS:
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    mixed: Keys = state ^ (state >> np.uint64(31))
    return mixed
