"""Rows of a table as batches of pixels: decoded, transformed, stacked; uint8 until they reach the model."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import get_worker_info

from data.errors import DataError
from data.images import decode_rgb
from data.transforms import Image, Transform

Batch = dict[str, torch.Tensor]


class ImageDataset:
    """Images of a table with columns image_id, path and, for training, target.

    Items are taken a batch at a time with keys (epoch, position) from a sampler. A batch is {"features": (B, H, W, 3)
    uint8, "targets": (B,) int64, "index": (B,) int64 positions in the table}; targets are absent where the table has
    none. An unreadable image raises DataError; it is never replaced by another.
    """

    def __init__(self, root: Path, table: pd.DataFrame, transform: Transform, *, seed: int) -> None:
        self.paths = [root / path for path in table["path"]]
        self.image_ids = list(table["image_id"])
        self.image_keys = [image_key(image_id) for image_id in self.image_ids]
        self.targets = torch.from_numpy(np.array(table["target"], np.int64)) if "target" in table else None
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.paths)

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch | DataError:
        """The batch; from a worker process, an error is returned: raised, it would arrive as a traceback's text."""
        try:
            return self._batch(keys)
        except DataError as error:
            if get_worker_info() is None:
                raise
            return error

    def _batch(self, keys: list[tuple[int, int]]) -> Batch:
        positions = [position for _, position in keys]
        images = [self._image(epoch, position) for epoch, position in keys]  # each (H, W, 3)
        batch = {"features": torch.from_numpy(np.stack(images)), "index": torch.tensor(positions)}
        if self.targets is not None:
            batch["targets"] = self.targets[batch["index"]]
        return batch

    def _image(self, epoch: int, position: int) -> Image:
        decoded = decode_rgb(self.paths[position], min_size=self.transform.size)
        return self.transform(decoded, (self.seed, epoch, self.image_keys[position]))


def image_key(image_id: str) -> int:
    """A whole number that stands for an image wherever its row is: the first eight bytes of its id's blake2b."""
    return int.from_bytes(hashlib.blake2b(image_id.encode(), digest_size=8).digest(), "little")
