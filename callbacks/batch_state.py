"""What a fold's training holds between two batches of an epoch, beyond what is committed at the epoch's end.

A callback that holds something there has two methods: `batch_state()`, plain values and tensors, and
`load_batch_state(state)`, which is given them on the training's device, after the callback's `on_loader_start`.
"""

import random
import sys
from typing import Any, cast

import numpy as np
import torch

from data.errors import DataError

State = dict[str, Any]


def batch_state(runner: Any) -> State:
    """All of it, after a batch of ``runner.loader``."""
    return {
        "loader": runner.loader_key,
        "batch_step": runner.loader_batch_step,
        "sample_step": runner.loader_sample_step,
        "epoch_metrics": {  # of the loaders before this one, and the learning rate that the epoch began with
            loader: {name: float(value) for name, value in metrics.items()}
            for loader, metrics in runner.epoch_metrics.items()
        },
        "callbacks": {name: callback.batch_state() for name, callback in _stateful(runner).items()},
        "random": _random_state(runner.engine.device),
    }


def load_batch_state(runner: Any, state: State) -> None:
    """Go on from `batch_state`: as the last thing before the loader's next batch.

    DataError where several processes train the fold: what is left of the epoch is one's.
    """
    if runner.engine.num_processes > 1:
        raise DataError(
            f"A stop left the fold in the middle of epoch {runner.epoch_step}, where one process trained it: one "
            f"process, not {runner.engine.num_processes}, would be right until that epoch is done."
        )
    runner.loader_batch_step, runner.loader_sample_step = state["batch_step"], state["sample_step"]
    for loader, metrics in state["epoch_metrics"].items():  # one text is one object: a file holds such a text once
        runner.epoch_metrics[loader] = {sys.intern(name): value for name, value in metrics.items()}
    for name, callback in _stateful(runner).items():
        callback.load_batch_state(_on(runner.engine.device, state["callbacks"][name]))
    _load_random_state(state["random"], runner.engine.device)


def place(epoch: int, loader: str, batch: int, batches: int) -> str:
    """Where that is, in words."""
    return f"epoch {epoch} after {loader} batch {batch} of {batches}"


def _stateful(runner: Any) -> dict[str, Any]:
    """The callbacks that hold something, by the names of their classes."""
    return {type(one).__name__: one for one in runner.callbacks.values() if hasattr(one, "batch_state")}


def _on(device: Any, value: Any) -> Any:
    """The same with all its tensors on a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: _on(device, one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_on(device, one) for one in value)
    return value


def _random_state(device: torch.device) -> State:
    """Of the generators that Catalyst seeds at a loader's start: dropout draws from torch's."""
    kind, keys, *rest = cast("tuple[Any, ...]", np.random.get_state(legacy=True))
    return {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def _load_random_state(state: State, device: torch.device) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"], device)
