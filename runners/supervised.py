"""Catalyst's supervised runner and engine, fitted to today's torch and accelerate."""

from typing import Any

import torch
from accelerate.state import AcceleratorState
from accelerate.utils import gather_object
from catalyst import dl

from callbacks.batch_state import load_batch_state
from callbacks.monitor import Log, log_row
from data.errors import DataError
from data.loaders import is_worker_death, raise_failure, rest_of
from runners.precision import check_precision
from runners.shortage import is_shortage


class _SingleProcessEngine:
    """What Catalyst's engines get wrong, or pay for, since accelerate 1.0."""

    def sum_over_processes(self: Any, values: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor over all processes: metrics are sums, divided once, never means of means."""
        return self.reduce(values, "sum") if self.num_processes > 1 else values

    def rows_of_all_processes(self: Any, values: torch.Tensor) -> torch.Tensor:
        """Rows (n, ...) of every process, one after the other; their numbers may differ."""
        if self.num_processes == 1:
            return values
        return torch.cat([rows.to(self.device) for rows in gather_object([values.cpu()])])

    def mean_reduce_ddp_metrics(self: Any, metrics: dict[str, Any]) -> dict[str, Any]:
        """Means over processes; Catalyst's own asks for a device type that accelerate has dropped, and dies."""
        if self.num_processes == 1:
            return metrics
        return {
            name: self.reduce(torch.as_tensor(value, device=self.device), "mean") for name, value in metrics.items()
        }

    def prepare_optimizer(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer itself where no gradient scaler needs a wrapper: that probes imports at every step."""
        return optimizer if self.scaler is None else super().prepare_optimizer(optimizer, *args, **kwargs)  # type: ignore[misc]

    def prepare_data_loader(self: Any, data_loader: Any, *args: Any, **kwargs: Any) -> Any:
        """The loader itself in a single process; the runner moves batches to the device."""
        return data_loader if self.num_processes == 1 else super().prepare_data_loader(data_loader, *args, **kwargs)  # type: ignore[misc]


class CPUEngine(_SingleProcessEngine, dl.CPUEngine):
    """One process on the processor."""


class GPUEngine(_SingleProcessEngine, dl.GPUEngine):
    """One process on an accelerator."""


def make_engine(device: str, mixed_precision: str = "no") -> CPUEngine | GPUEngine:
    """Engine for "cpu" or "cuda" in precision "no", "bf16" or "fp16".

    accelerate keeps the first engine's precision for the whole process; it is reset here, so that experiments of
    different precision can follow each other. Raises DataError for "fp16" on the processor.
    """
    check_precision(mixed_precision, device)
    AcceleratorState._reset_state(True)
    return (CPUEngine if device == "cpu" else GPUEngine)(mixed_precision=mixed_precision)


class ClassificationRunner(dl.SupervisedRunner):
    """Trains on batches {"features": (B, H, W, 3) uint8, "targets": (B,) or (B, C)}; the model gives "logits" (B, C).

    history: one row of metrics an epoch, complete before any callback's ``on_epoch_end``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: Log = []
        self.unfinished: dict[str, Any] | None = None  # where a stop left the epoch that is trained next
        self.average: Any = None  # of weights, where an experiment declares one: what changes with training, is saved

    def get_loggers(self) -> dict[str, Any]:
        """Only those asked for: Catalyst adds a console logger that prints 17 digits."""
        return dict(self._loggers or {})

    def get_criterion(self) -> dict[str, torch.nn.Module]:
        """The criteria on the device: Catalyst leaves class weights on the processor."""
        return {name: criterion.to(self.engine.device) for name, criterion in self._criterion.items()}

    def on_batch_start(self, runner: Any) -> None:
        """An image that a worker process could not read ends the run here, with the sentence that names it."""
        raise_failure(self.batch)
        super().on_batch_start(runner)

    def on_loader_start(self, runner: Any) -> None:
        """Tell the sampler the epoch: its order is a function of seed, fold and epoch."""
        super().on_loader_start(runner)
        self.loader.sampler.set_epoch(self.epoch_step)

    def handle_batch(self, batch: dict[str, torch.Tensor]) -> None:
        """Move the batch to the device and add the logits."""
        device = self.engine.device
        batch = {name: values.to(device, non_blocking=True) for name, values in batch.items()}
        try:
            logits = self.model(batch["features"])
        except (RuntimeError, ValueError, AssertionError) as error:  # a size the network can't take
            if is_worker_death(error) or is_shortage(error):
                raise
            raise DataError(
                f"model: the network fails on a batch of images {tuple(batch['features'].shape)}, as "
                f"(images, height, width, channels): {' '.join(str(error).split())}"
            ) from error
        self.batch = {**batch, "logits": logits}

    def _run_epoch(self) -> None:
        if self.unfinished is None:
            super()._run_epoch()
        else:
            self._finish_epoch(self.unfinished)
        self.history.append(log_row(self))

    def _finish_epoch(self, state: dict[str, Any]) -> None:
        """The rest of an epoch, from the batch after the one that `state` was saved after."""
        self.unfinished = None
        names = list(self.loaders)
        for self.loader_key in names[names.index(state["loader"]) :]:
            whole = self.loader = self.loaders[self.loader_key]
            self._run_event("on_loader_start")
            if self.loader_key == state["loader"]:
                load_batch_state(self, state)
                self.loader = rest_of(whole, self.loader_batch_step)
            self._run_loader()
            self.loader = whole
            self._run_event("on_loader_end")
