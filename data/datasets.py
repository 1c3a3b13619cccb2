"""Rows of a table as batches of pixels: decoded or cached, transformed, stacked; uint8 until they reach the model."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from data.cache import CachedImages, DecodedImages, ImageCache, cached_images
from data.errors import DataError
from data.in_hand import InHand
from data.transforms import Image, Transform

Batch = dict[str, torch.Tensor]


class ImageDataset:
    """Images of a table with columns image_id, path and, for training, target.

    Items are taken a batch at a time with keys (epoch, position) from a sampler. A batch is {"features": (B, H, W, 3)
    uint8, "targets": (B,) int64, "index": (B,) int64 positions in the table}; targets are absent where the table has
    none, and float32 (B, C) where `soft` (N, C) gives each row a distribution. An unreadable image raises DataError; it
    is never replaced by another. `caches` serve transforms of their working size where they hold all of the table's
    images together; any other transform decodes. A path is relative to `root`, or absolute. Ages are "years" (B,)
    float32, NaN where one is not known, if the table has them. `in_hand` is told what each worker process is given.
    """

    def __init__(
        self,
        root: Path,
        table: pd.DataFrame,
        transform: Transform,
        *,
        seed: int,
        caches: Sequence[ImageCache] = (),
        soft: NDArray[np.float32] | None = None,
        in_hand: InHand | None = None,
    ) -> None:
        fitting = [cache for cache in caches if cache.size == transform.working_size]
        self.root, self.paths, self.transform = root, table["path"].tolist(), transform
        self.images: CachedImages | DecodedImages = cached_images(fitting, self.paths) or self._decoded()
        self.image_ids = table["image_id"].tolist()
        self.image_keys = np.array([image_key(image_id) for image_id in self.image_ids], np.uint64)
        self.targets = torch.from_numpy(np.array(table["target"], np.int64)) if "target" in table else None
        if soft is not None:
            self.targets = torch.from_numpy(soft)
        self.years = torch.from_numpy(np.array(table["years"], np.float32)) if "years" in table else None
        self.seed = seed
        self.in_hand = in_hand

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch | DataError:
        """The batch; from a worker process, an error is returned: raised, it would arrive as a traceback's text."""
        worker = get_worker_info()
        if worker is None:
            return self._batch(keys)
        if self.in_hand is not None:
            self.in_hand.take(worker.id, os.getpid(), [position for _, position in keys])
        try:
            return shared(self._batch(keys))
        except DataError as error:
            return error

    def _batch(self, keys: list[tuple[int, int]]) -> Batch:
        positions = [position for _, position in keys]
        if isinstance(self.images, CachedImages) and not self.images.there:
            self.images = self._decoded()  # somebody removed the cache before this process opened it
        if isinstance(self.images, CachedImages) and self.transform.apply is None:
            features = self.images.take(positions)  # (B, H, W, 3)
        else:  # of no images, the size of one
            features = np.stack([self._image(draw, position) for draw, position in keys or [(0, 0)]])[: len(keys)]
        if self.transform.on_batch is not None and keys:
            draws = np.array([draw for draw, _ in keys], np.uint64)
            seeds = np.full(len(keys), self.seed, np.uint64)
            self.transform.on_batch(features, np.stack([seeds, draws, self.image_keys[positions]], axis=1))
        batch = {"features": torch.from_numpy(features), "index": torch.tensor(positions, dtype=torch.int64)}
        if self.targets is not None:
            batch["targets"] = self.targets[batch["index"]]
        if self.years is not None:
            batch["years"] = self.years[batch["index"]]
        return batch

    def _decoded(self) -> DecodedImages:
        return DecodedImages([self.root / path for path in self.paths], self.transform.size)

    def _image(self, draw: int, position: int) -> Image:
        return self.transform.one(self.images[position], (self.seed, draw, int(self.image_keys[position])))


def shared(batch: Batch) -> Batch:
    """The batch in shared memory; DataError where there is none left.

    torch would move it there on its way out of the worker, in a thread whose errors nobody hears: the run would wait
    for this batch for ever.
    """
    try:
        return {name: values.share_memory_() for name, values in batch.items()}
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"A batch of {len(batch['index'])} images finds no room in the system's shared memory "
            f"({' '.join(str(error).split())}): a larger /dev/shm, fewer --workers or a smaller batch_size would be "
            "right; the same command continues from what is saved."
        ) from error


def image_key(image_id: str) -> int:
    """A whole number that stands for an image wherever its row is: the first eight bytes of its id's blake2b."""
    return int.from_bytes(hashlib.blake2b(image_id.encode(), digest_size=8).digest(), "little")
