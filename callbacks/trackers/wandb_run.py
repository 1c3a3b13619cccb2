"""Weights & Biases: a run in a file of its own, which goes nowhere unless its owner says so."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from catalyst.core.logger import ILogger
from numpy.typing import NDArray

from callbacks.trackers.rows import named, unseen


class WandbTracker(ILogger):
    """Logs to a run made by ``wandb.init``, an epoch at a time.

    Catalyst's own logger goes online, records the machine, and pickles artefacts; it writes number by number, and again
    what a repeated epoch logs.
    """

    def __init__(self, run: Any) -> None:
        super().__init__(log_batch_metrics=False, log_epoch_metrics=True)
        self.run = run
        self.epoch = 0

    def log_hparams(self, hparams: Mapping[str, str], runner: Any = None) -> None:
        """The values that were declared."""
        self.run.config.update(dict(hparams), allow_val_change=True)

    def log_metrics(self, metrics: Mapping[str, float], scope: str, runner: Any) -> None:
        """After an epoch the rows since the last one; after all of them ("experiment") `metrics` as the summary."""
        if scope not in ("epoch", "experiment"):
            return
        for row in unseen(runner, self.epoch):
            self.epoch = int(row["epoch"])
            values = {"/".join(filter(None, (loader, name))): value for loader, name, value in named(row)}
            self.run.log(values, step=self.epoch)
        if scope == "experiment":
            self.run.summary.update(dict(metrics))

    def log_image(self, tag: str, image: NDArray[np.uint8], runner: Any, scope: str | None = None) -> None:
        """A picture (H, W, 3)."""
        import wandb

        self.run.log({tag: wandb.Image(image)}, step=self.epoch)

    def finish(self, done: bool) -> None:
        """End the run."""
        self.run.finish(exit_code=0 if done else 1)


def open_wandb(folder: Path, experiment: str, run: str, fold: int | None) -> WandbTracker:
    """A new run in ``folder/wandb``; what an earlier start left of the same one is removed.

    Offline, unless WANDB_MODE says otherwise. Neither the machine, nor packages, nor output, nor code are recorded, and
    errors are not reported.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    name = "run" if fold is None else f"fold_{fold}"
    number = f"{run.rpartition('-')[2]}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"wandb/offline-run-*-{number}"):
        shutil.rmtree(left)
    settings = wandb.Settings(
        console="off",
        host="not recorded",
        silent=True,
        save_code=False,
        disable_code=True,
        disable_git=True,
        disable_job_creation=True,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    made = wandb.init(
        mode=os.environ.get("WANDB_MODE", "offline"),  # type: ignore[arg-type]
        dir=folder,
        project=experiment,
        group=run,
        job_type="run" if fold is None else "fold",
        name=f"{run} {name}",
        id=number,
        reinit="create_new",
        settings=settings,
    )
    return WandbTracker(made)
