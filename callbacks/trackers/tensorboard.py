"""TensorBoard: Catalyst's logger, begun anew from the committed log, with hyper-parameters."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from catalyst.loggers.tensorboard import TensorboardLogger
from numpy.typing import NDArray
from tensorboardX.summary import hparams as hparams_summaries

from callbacks.trackers.rows import named, unseen

WHOLE = ""  # what is of no loader lies in the folder itself


class TensorboardTracker(TensorboardLogger):
    """Event files in `folder`, those of loaders in folders below it: TensorBoard draws them into one chart.

    Catalyst's own logger writes a loader's numbers before they are committed, and again if the epoch is repeated; it
    has no hyper-parameters. This one writes rows of the committed log, and starts with an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        super().__init__(str(folder), log_batch_metrics=False, log_epoch_metrics=True)
        self.epoch = 0

    def log_hparams(self, hparams: Mapping[str, str], runner: Any = None) -> None:
        """The values that were declared, beside the score that they came to."""
        self._check_loader_key(WHOLE)
        for summary in hparams_summaries(dict(hparams), {"out_of_fold/f1": 0.0}):
            self.loggers[WHOLE].file_writer.add_summary(summary)

    def log_metrics(self, metrics: Mapping[str, float], scope: str, runner: Any) -> None:
        """After an epoch the rows since the last one; after all of them ("experiment") also `metrics`."""
        if scope not in ("epoch", "experiment"):
            return
        for row in unseen(runner, self.epoch):
            for loader, name, value in named(row):
                self._check_loader_key(loader)
                self.loggers[loader].add_scalar(name, value, int(row["epoch"]))
            self.epoch = int(row["epoch"])
        if scope == "experiment":
            self._check_loader_key(WHOLE)
            for name, value in metrics.items():
                self.loggers[WHOLE].add_scalar(name, value, self.epoch)

    def log_image(self, tag: str, image: NDArray[np.uint8], runner: Any, scope: str | None = None) -> None:
        """A picture (H, W, 3)."""
        self._check_loader_key(WHOLE)
        self.loggers[WHOLE].add_image(tag, image, self.epoch, dataformats="HWC")

    def close_log(self) -> None:
        """Catalyst closes its loggers before the fold has predicted: what comes then is still to be written."""
        self.flush_log()

    def finish(self, done: bool) -> None:
        """Close the files."""
        super().close_log()
