"""Loaders over a table's images."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any

import torch
from torch.utils.data import DataLoader

from data.datasets import ImageDataset
from data.errors import DataError
from data.findings import some_names
from data.samplers import Rest, SequentialSampler, SharedBatches, ShuffledSampler
from data.signals import blocked

_LOOK_SECONDS = 0.1  # how often a process that decodes looks for its parent
_BLOCKED = {signal.SIGINT, signal.SIGTERM} if hasattr(signal, "sigtimedwait") else set[signal.Signals]()
_DEATH_SECONDS = 1.0  # from a connection that breaks off to the news that the process at its other end is dead


def make_loader(
    dataset: ImageDataset,
    sampler: ShuffledSampler | SequentialSampler | Any,
    *,
    batch_size: int,
    workers: int,
    pin_memory: bool = False,
    rank: int = 0,
    ranks: int = 1,
    generator: torch.Generator | None = None,
) -> "DataLoader[Any]":
    """Batches of `batch_size` images in the sampler's order; the last one may be shorter, none is dropped.

    workers: processes that decode and transform, 0 for this one. What a batch holds does not depend on it.
    pin_memory: page-locked batches, which are copied to a GPU while it computes.
    rank, ranks: of the processes that train one network together, each loads its part of every batch.
    generator: what torch draws a number from when the loader is begun; its global one by itself.
    """
    if ranks == 1:
        batches: dict[str, Any] = {"batch_size": batch_size, "sampler": sampler, "drop_last": False}
    else:
        batches = {"batch_sampler": SharedBatches(sampler, batch_size, rank=rank, ranks=ranks)}
    return _Loader(
        dataset,  # type: ignore[arg-type]       # it needs __len__ and __getitems__, no base class
        **batches,
        num_workers=workers,
        collate_fn=_already_a_batch,
        pin_memory=pin_memory,
        worker_init_fn=_begin_worker,
        generator=generator,
    )


class _Loader(DataLoader[Any]):
    """Starts its worker processes with signals blocked; in these `_end_with_parent` takes them.

    Else one that is sent to all processes in that moment ends the new ones: by a handler of the parent, or of torch.
    """

    def __iter__(self) -> Any:
        with blocked(_BLOCKED):
            return super().__iter__()


def rest_of(loader: "DataLoader[Any]", batches: int) -> "DataLoader[Any]":
    """A loader's epoch but for its first `batches`, of which no image is decoded; nothing is drawn to begin it."""
    return make_loader(
        loader.dataset,  # type: ignore[arg-type]
        Rest(loader.sampler, batches * (loader.batch_size or 1)),
        batch_size=loader.batch_size or 1,
        workers=loader.num_workers,
        pin_memory=loader.pin_memory,
        generator=torch.Generator(),
    )


def raise_failure(batch: Any) -> None:
    """Raise the DataError that a worker process returned in place of a batch; nothing for a batch."""
    if isinstance(batch, DataError):
        raise batch


_DEATH = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (.*)", re.DOTALL)


def is_worker_death(error: BaseException) -> bool:
    """Whether torch says that a worker process has died; it does so wherever the program happens to be."""
    return isinstance(error, RuntimeError) and _DEATH.match(str(error)) is not None


@contextmanager
def worker_deaths_named(loaders: Iterable[Any]) -> Iterator[None]:
    """DataError, with the images it had in hand, where a worker process of these loaders dies inside the block."""
    try:
        try:
            yield
        except (ConnectionError, EOFError):  # in the middle of a batch that it handed over
            time.sleep(_DEATH_SECONDS)  # torch raises its RuntimeError from here as soon as the system tells it
            raise
    except RuntimeError as error:
        death = _DEATH.match(str(error))
        if death is None:
            raise
        pids = [int(pid) for pid in death[1].split(",")]
        images = [
            loader.dataset.image_ids[position]
            for loader in loaders
            if loader.dataset.in_hand is not None
            for position in loader.dataset.in_hand.of(pids)
        ]
        raise DataError(
            f"A process that decodes images (pid {death[1]}) {' '.join(death[2].split()).rstrip('.')}; it had in hand "
            f"{some_names(images) or 'no image yet'}. Fewer --workers would be right where memory is short; the same "
            "command continues from what is saved."
        ) from error


def _begin_worker(number: int) -> None:
    """In a worker process: whether it goes on after a signal, which may be sent to all processes, its parent decides.

    Nothing is printed of a batch that whoever it was for came no more to fetch. It was ended, by a signal say, and says
    so itself; the traceback of multiprocessing's server thread tells no more.
    """
    sys.excepthook = _but_for_lost_connections
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _BLOCKED:  # torch's own handler takes SIGTERM from anybody for the end
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)  # as inherited, but where a server of forks is between
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """When it says so, and within a tenth of a second when it is gone: torch looks every five seconds.

    A parent that was gone before this process could look has closed its end of a pipe. That alone would not do:
    processes which were forked after this one hold that end too, till they miss the parent.
    """
    parent, began_below = parent_process(), os.getppid()
    while parent and os.getppid() == began_below and not wait([parent.sentinel], 0):
        told = signal.sigtimedwait({signal.SIGTERM}, _LOOK_SECONDS)
        if told is not None and told.si_pid == parent.pid:
            break
    os._exit(0)


def _but_for_lost_connections(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, traceback)


def _already_a_batch(batch: Any) -> Any:
    return batch
