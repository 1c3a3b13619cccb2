"""Loaders over a table's images."""

from typing import Any

from torch.utils.data import DataLoader

from data.datasets import ImageDataset
from data.errors import DataError
from data.samplers import SequentialSampler, ShuffledSampler


def make_loader(
    dataset: ImageDataset,
    sampler: ShuffledSampler | SequentialSampler | Any,
    *,
    batch_size: int,
    workers: int,
    pin_memory: bool = False,
) -> "DataLoader[Any]":
    """Batches of `batch_size` images in the sampler's order; the last one may be shorter, none is dropped.

    workers: processes that decode and transform, 0 for this one. What a batch holds does not depend on it.
    pin_memory: page-locked batches, which are copied to a GPU while it computes.
    """
    return DataLoader(
        dataset,  # type: ignore[arg-type]       # it needs __len__ and __getitems__, no base class
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=_already_a_batch,
        pin_memory=pin_memory,
        drop_last=False,
    )


def raise_failure(batch: Any) -> None:
    """Raise the DataError that a worker process returned in place of a batch; nothing for a batch."""
    if isinstance(batch, DataError):
        raise batch


def _already_a_batch(batch: Any) -> Any:
    return batch
