"""Which images an epoch takes and in what order: a function of (seed, fold, epoch), of nothing else.

A sampler yields (epoch, position): the epoch travels with the image to whichever process transforms it.
"""

from collections.abc import Iterator

import numpy as np


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
