"""Tells the user where a fold is: a tick for every batch, a line for every epoch."""

import time
from collections.abc import Callable
from typing import Any

from catalyst.core.callback import Callback

from callbacks import ORDER
from callbacks.batch_state import place
from callbacks.last_epoch import LastEpoch
from callbacks.monitor import Log, Monitor


class ProgressCallback(Callback):
    """`tick(batches, text)` for every batch, `line(text)` and `save_time(epoch, seconds, images)` for every epoch.

    Times are kept apart from the log of metrics: that one must come out the same, bit for bit, of a continued run.
    """

    def __init__(
        self,
        title: str,
        epochs: int,
        monitor: Monitor | LastEpoch,
        tick: Callable[[int, str], None],
        line: Callable[[str], None],
        save_time: Callable[[int, float, int], None],
    ) -> None:
        super().__init__(order=ORDER["progress"])
        self.title, self.epochs, self.monitor = title, epochs, monitor
        self.tick, self.line, self.save_time = tick, line, save_time

    def on_experiment_start(self, runner: Any) -> None:
        """Say where a continued fold goes on, and count what it has behind it."""
        lengths = {name: len(loader) for name, loader in runner.loaders.items()}
        self.batches, done = sum(lengths.values()), 0
        if runner.unfinished is not None:
            loader, batch = runner.unfinished["loader"], runner.unfinished["batch_step"]
            self.line(f"{self.title}  continues in {place(runner.epoch_step + 1, loader, batch, lengths[loader])}")
            done = batch if loader == next(iter(lengths)) else self.batches - lengths[loader] + batch
        elif runner.history:
            self.line(f"{self.title}  continues after epoch {runner.epoch_step}")
        if done or runner.epoch_step:
            self.tick(runner.epoch_step * self.batches + done, self.title)

    def on_epoch_start(self, runner: Any) -> None:
        """Start the epoch's clock."""
        self.started, self.images = time.perf_counter(), 0

    def on_batch_end(self, runner: Any) -> None:
        """One batch more."""
        self.images += runner.batch_size
        self.tick(1, f"{self.title} epoch {runner.epoch_step}/{self.epochs} {runner.loader_key}")

    def batch_state(self) -> dict[str, Any]:
        """The epoch's seconds and images so far."""
        return {"seconds": time.perf_counter() - self.started, "images": self.images}

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.started, self.images = time.perf_counter() - state["seconds"], state["images"]

    def on_epoch_end(self, runner: Any) -> None:
        """One line: losses, the monitored number, the best so far, speed."""
        seconds = time.perf_counter() - self.started
        self.save_time(runner.epoch_step, seconds, self.images)
        self.line(epoch_line(self.title, self.epochs, self.monitor, runner.history, self.images / seconds))

    def on_experiment_end(self, runner: Any) -> None:
        """An early stop leaves epochs behind that will never be run: they count as done."""
        self.tick((self.epochs - runner.epoch_step) * self.batches, self.title)


def epoch_line(title: str, epochs: int, monitor: Monitor | LastEpoch, log: Log, images_per_second: float) -> str:
    """The last epoch in about 80 columns: losses of training and validation, F1, what is watched, the best so far.

    Where nothing is validated, loss and F1 of training.
    """
    row, best = log[-1], monitor.best_epoch(log)
    epoch = f"epoch {len(log):{len(str(epochs))}}/{epochs}"
    if isinstance(monitor, LastEpoch):
        trained = f"training loss {_loss(row['train_loss'])}  f1 {row['train_f1']:.4f}"
        return f"{title}  {epoch}  {trained}  {images_per_second:.0f} img/s"
    values = monitor.values(log)
    if best is None:
        record = "no best yet"
    elif best == len(log) - 1:
        record = "best so far"
    else:
        record = f"best {values[best]:.4f} @{best + 1}"
    scores = {"f1": row["valid_f1"], monitor.metric: values[-1]}
    shown = "  ".join(f"{name} {value:.4f}" for name, value in scores.items() if name != "loss")
    losses = f"loss {_loss(row['train_loss'])} {_loss(row['valid_loss'])}"
    if monitor.metric == "loss":
        return f"{title}  {epoch}  {losses} ({record})  {shown}  {images_per_second:.0f} img/s"
    return f"{title}  {epoch}  {losses}  {shown} ({record})  {images_per_second:.0f} img/s"


def _loss(value: float) -> str:
    """Three decimals while they fit."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.1e}"
