"""Macro F1 and accuracy over a whole loader, from counts: an average of batches' F1 is another, lower number."""

from typing import Any

import torch
from catalyst.core.callback import IMetricCallback

from callbacks import ORDER, metrics


class F1Callback(IMetricCallback):
    """Counts (C, C) on the device; reduced over processes and divided once a loader.

    Logs "f1" (macro, as scikit-learn computes it) and "accuracy" for every loader. Soft targets (B, C) count as
    their largest class.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.order = ORDER["f1"]
        self.classes = classes

    def on_loader_start(self, runner: Any) -> None:
        """Start from zero counts."""
        self.counts = torch.zeros(self.classes**2, dtype=torch.int64, device=runner.engine.device)

    def on_batch_end(self, runner: Any) -> None:
        """Add the batch's pairs of target and prediction."""
        predictions, targets = runner.batch["logits"].detach().argmax(1), runner.batch["targets"]  # (B,), (B,)
        if targets.ndim == 2:
            targets = targets.argmax(1)
        pairs = targets * self.classes + predictions  # (B,); bincount would make a GPU wait for the largest of them
        self.counts.scatter_add_(0, pairs, torch.ones_like(pairs))

    def on_loader_end(self, runner: Any) -> None:
        """The loader's scores."""
        counts = runner.engine.sum_over_processes(self.counts).cpu().numpy()
        confusion = counts.reshape(self.classes, self.classes)
        runner.loader_metrics["f1"] = metrics.macro_f1(confusion)
        runner.loader_metrics["accuracy"] = metrics.accuracy(confusion)
