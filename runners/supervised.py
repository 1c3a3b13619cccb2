"""Catalyst's supervised runner and engine, fitted to today's torch and accelerate."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast, broadcast_object_list, gather_object
from catalyst import dl

from callbacks.batch_state import load_batch_state
from callbacks.monitor import Log, log_row
from data.errors import DataError
from data.loaders import is_worker_death, raise_failure, rest_of
from runners.precision import check_precision
from runners.shared_network import SharedNetwork
from runners.shortage import is_shortage


class ProcessLost(Exception):
    """Another process that shares the batches with this one has ended, and will not answer any more."""


@contextmanager
def _losses_named() -> Iterator[None]:
    """ProcessLost for what torch's exchanges between processes say when one of them has gone."""
    try:
        yield
    except RuntimeError as error:
        if is_shortage(error):
            raise
        raise ProcessLost(str(error)) from error


class _LeanEngine:
    """What Catalyst's engines get wrong, or pay for, since accelerate 1.0; and what processes exchange.

    Several processes train one network on parts of the same batches. They do so without torch's
    DistributedDataParallel: see callbacks.shared_gradients.
    """

    def sum_over_processes(self: Any, values: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor over all processes: metrics are sums, divided once, never means of means."""
        if self.num_processes == 1:
            return values
        with _losses_named():
            summed: torch.Tensor = self.reduce(values, "sum")
        return summed

    def rows_of_all_processes(self: Any, values: torch.Tensor) -> torch.Tensor:
        """Rows (n, ...) of every process, one after the other; their numbers may differ."""
        if self.num_processes == 1:
            return values
        part = [values.cpu().clone()]  # of a larger block all would be sent
        with _losses_named():
            return torch.cat([rows.to(self.device) for rows in gather_object(part)])

    def weights_of_main_process(self: Any, model: torch.nn.Module) -> None:
        """Give the model, in place, the weights and statistics that the first process has."""
        with torch.no_grad(), _losses_named():
            for values in model.state_dict().values():
                values.copy_(broadcast(values.contiguous()))

    def row_of_main_process(self: Any, row: dict[str, float]) -> dict[str, float]:
        """The first process's row of the log: all decide by the same numbers, to the last bit."""
        if self.num_processes == 1:
            return row
        rows = [row]
        with _losses_named():
            broadcast_object_list(rows)
        return rows[0]

    def mean_reduce_ddp_metrics(self: Any, metrics: dict[str, Any]) -> dict[str, Any]:
        """Means over processes; Catalyst's own asks for a device type that accelerate has dropped, and dies."""
        if self.num_processes == 1:
            return metrics
        return {
            name: self.reduce(torch.as_tensor(value, device=self.device), "mean") for name, value in metrics.items()
        }

    def backward(self: Any, loss: torch.Tensor, **kwargs: Any) -> None:
        """Gradients of a loss; without a scaler also without accelerate's division, by a window of one batch."""
        if self.scaler is None:
            loss.backward(**kwargs)
        else:
            super().backward(loss, **kwargs)  # type: ignore[misc]

    def prepare_optimizer(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer itself where no gradient scaler needs a wrapper: that probes imports at every step."""
        return optimizer if self.scaler is None else super().prepare_optimizer(optimizer, *args, **kwargs)  # type: ignore[misc]

    def prepare_data_loader(self: Any, data_loader: Any, *args: Any, **kwargs: Any) -> Any:
        """The loader itself, which gives this process's part of each batch; the runner moves it to the device."""
        return data_loader

    def prepare_model(self: Any, model: torch.nn.Module, *args: Any, **kwargs: Any) -> torch.nn.Module:
        """The model on the device, in its precision; shared where there are several processes."""
        if self.num_processes == 1:
            return super().prepare_model(model, *args, **kwargs)  # type: ignore[misc]
        return SharedNetwork(super().prepare_model(model, evaluation_mode=True), self.sum_over_processes)  # type: ignore[misc]

    def unwrap_model(self: Any, model: torch.nn.Module, *args: Any, **kwargs: Any) -> torch.nn.Module:
        """The model that was prepared."""
        model = model.module if isinstance(model, SharedNetwork) else model
        return super().unwrap_model(model, *args, **kwargs)  # type: ignore[misc]


class CPUEngine(_LeanEngine, dl.CPUEngine):
    """On the processor."""

    @property
    def device(self) -> torch.device:
        """The processor, which accelerate numbers by process: torch would copy every tensor from one to another."""
        return torch.device("cpu")


class GPUEngine(_LeanEngine, dl.GPUEngine):
    """On an accelerator, one for each process."""


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
        self.shared = False  # whether several processes have a part of each batch
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
        if self.shared:
            self._count_whole_batch()

    def _count_whole_batch(self) -> None:
        """Catalyst takes it that each process has batches of its own; these have parts of the same one."""
        ranks, part = self.engine.num_processes, len(self.batch["features"])
        self.batch_step -= ranks - 1
        self.loader_batch_step -= ranks - 1
        self.batch_size = self.loader.batch_sampler.images(self.loader_batch_step)
        self.sample_step += self.batch_size - part * ranks
        self.loader_sample_step += self.batch_size - part * ranks

    def on_loader_start(self, runner: Any) -> None:
        """Tell the sampler the epoch: its order is a function of seed, fold and epoch."""
        super().on_loader_start(runner)
        self.loader.batch_sampler.sampler.set_epoch(self.epoch_step)
        self.shared = self.engine.num_processes > 1
        if self.shared:
            self.engine.weights_of_main_process(self.model)

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
        self.history.append(self.engine.row_of_main_process(log_row(self)))

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
