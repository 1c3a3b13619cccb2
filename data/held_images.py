"""Images that are held in memory, decoded and transformed once, to be trained on again and again."""

from collections.abc import Sequence

import torch

from data.datasets import Batch


class HeldImages:
    """A data set made of one batch of N images, with the interface of data.datasets.ImageDataset.

    Positions from N on start again at the first image, so that an epoch may be longer than what is held.
    """

    def __init__(self, batch: Batch, image_ids: Sequence[str]) -> None:
        self.batch = {name: values for name, values in batch.items() if name != "index"}
        self.image_ids = list(image_ids)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitems__(self, keys: list[tuple[int, int]]) -> Batch:
        """The batch of these keys (epoch, position)."""
        index = torch.tensor([position % len(self) for _, position in keys])
        return {**{name: values[index] for name, values in self.batch.items()}, "index": index}
