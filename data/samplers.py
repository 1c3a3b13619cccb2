"""Which images an epoch takes and in what order: a function of (seed, fold, epoch), of nothing else.

A sampler yields (draw, position). The draw is a whole number that tells one drawing of an image from another, and is
part of what seeds its augmentation: the epoch, which so travels with the image to whichever process transforms it, plus
REPEAT for each time that the epoch has drawn the same image before.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

REPEAT = 2**32  # more than there are epochs

Draw = Callable[[np.random.Generator], NDArray[np.int64]]


class ShuffledSampler:
    """Each of `images` once an epoch, in an order drawn from (seed, fold, epoch)."""

    def __init__(self, images: int, *, seed: int, fold: int) -> None:
        self.images, self.seed, self.fold = images, seed, fold
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.images

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.fold, self.epoch]).permutation(self.images)
        return ((self.epoch, int(position)) for position in order)


class DrawnSampler:
    """The positions (length,) that `draw` makes of a generator seeded with (seed, fold, epoch), as often as it likes.

    An image that is drawn twice in an epoch is augmented in two ways.
    """

    def __init__(self, draw: Draw, length: int, *, seed: int, fold: int) -> None:
        self.draw, self.length, self.seed, self.fold = draw, length, seed, fold
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is drawn next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = self.draw(np.random.default_rng([self.seed, self.fold, self.epoch]))  # (length,)
        draws = self.epoch + REPEAT * pd.Series(order).groupby(order).cumcount().to_numpy()
        return ((int(draw), int(position)) for draw, position in zip(draws, order, strict=True))


class Rest:
    """What is left of a sampler's epoch once its first `passed` keys have been taken."""

    def __init__(self, sampler: Iterable[tuple[int, int]], passed: int) -> None:
        self.sampler, self.passed = sampler, passed

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return islice(iter(self.sampler), self.passed, None)


class SequentialSampler:
    """Each of `images` once, in their own order; epoch 0 whenever it is, since validation is never random."""

    def __init__(self, images: int) -> None:
        self.images = images

    def set_epoch(self, epoch: int) -> None:
        """Nothing depends on the epoch."""

    def __len__(self) -> int:
        return self.images

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((0, position) for position in range(self.images))


class SharedBatches:
    """The part that process `rank` of `ranks` has in each batch of a sampler: its images rank, rank + ranks, ...

    Batches are those of a single process: none is dropped, none padded. A part may be empty, if no other batch than the
    last one has fewer images than there are processes.
    """

    def __init__(self, sampler: Any, batch_size: int, *, rank: int, ranks: int) -> None:
        self.sampler, self.batch_size, self.rank, self.ranks = sampler, batch_size, rank, ranks

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        keys = iter(self.sampler)
        return (list(islice(keys, self.batch_size))[self.rank :: self.ranks] for _ in range(len(self)))

    def images(self, batch: int) -> int:
        """How many images a batch, counted from 1, has in all processes together."""
        return min(self.batch_size, len(self.sampler) - (batch - 1) * self.batch_size)
