"""F1 over a whole loader, from counts: an average of batches' F1 is another, lower number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from catalyst.core.callback import Callback, IMetricCallback

from callbacks import ORDER
from callbacks.collected import Collected
from callbacks.declared_metrics import Metric, declared_scores, need_scores
from callbacks.factor_scores import factor_scores
from callbacks.metrics import standard_scores


class F1Callback(IMetricCallback):
    """Counts (C, C) on the device; reduced over processes and divided once a loader.

    Logs "f1" (macro, as scikit-learn computes it), "accuracy", "precision" and "recall" (macro) for every loader, and
    for the mask competition's classes F1 of mask, gender, age and mask x age. Soft targets (B, C) count as their
    largest class. ``runner.confusion`` is left to the callbacks that come after, as an array (C, C).
    """

    def __init__(self, classes: int, class_names: Sequence[str] = ()) -> None:
        super().__init__()
        self.order = ORDER["f1"]
        self.classes = classes
        self.class_names = tuple(class_names)

    def on_loader_start(self, runner: Any) -> None:
        """Start from zero counts."""
        self.counts = torch.zeros(self.classes**2, dtype=torch.int64, device=runner.engine.device)

    def on_batch_end(self, runner: Any) -> None:
        """Add the batch's pairs of target and prediction."""
        predictions, targets = runner.batch["logits"].detach().argmax(1), labels(runner.batch["targets"])  # (B,), (B,)
        pairs = torch.add(predictions, targets, alpha=self.classes)  # (B,)
        self.counts.scatter_add_(0, pairs, torch.ones_like(pairs))  # bincount would make a GPU wait for its length

    def batch_state(self) -> dict[str, Any]:
        """The loader's counts so far."""
        return {"counts": self.counts}

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.counts.copy_(state["counts"])

    def on_loader_end(self, runner: Any) -> None:
        """The loader's scores."""
        counts = runner.engine.sum_over_processes(self.counts).cpu().numpy()
        runner.confusion = counts.reshape(self.classes, self.classes)
        runner.loader_metrics.update(standard_scores(runner.confusion))
        runner.loader_metrics.update(factor_scores(runner.confusion, self.class_names))


class MetricsCallback(Callback):
    """Logs the declared `metrics` of every loader by their names, from F1Callback's counts or from all images' scores.

    Ages in years are the batch's "years"; NaN, not known, where it has none.

    Scores are probabilities (N, C), `activation` of the logits. They are collected only where a metric asks for them,
    on the device, and copied once a loader: a batch waits for nothing.
    """

    def __init__(self, metrics: Mapping[str, Metric], activation: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(order=ORDER["metrics"])
        self.metrics = dict(metrics)
        self.activation = activation
        self.collects = need_scores(self.metrics)

    def on_loader_start(self, runner: Any) -> None:
        """Forget the loader before."""
        # labels (N,), probabilities (N, C), years (N,)
        self.collected = tuple(Collected() for _ in range(3 if self.collects else 0))

    def on_batch_end(self, runner: Any) -> None:
        """Keep the batch's labels and scores."""
        if self.collects:
            probabilities = self.activation(runner.batch["logits"].detach().float())  # (B, C)
            targets = labels(runner.batch["targets"])
            years = runner.batch.get("years", torch.full(targets.shape, torch.nan, device=targets.device))
            for collected, rows in zip(self.collected, (targets, probabilities, years), strict=True):
                collected.add(rows)

    def batch_state(self) -> dict[str, Any]:
        """The loader's labels and scores so far."""
        return {"rows": [collected.rows.clone() for collected in self.collected]}

    def load_batch_state(self, state: dict[str, Any]) -> None:
        """Go on from `batch_state`."""
        self.collected = tuple(Collected(rows) for rows in state["rows"])

    def on_loader_end(self, runner: Any) -> None:
        """The loader's scores."""
        targets = scores = years = None
        if self.collects:
            parts = [collected.rows for collected in self.collected]
            targets, scores, years = (runner.engine.rows_of_all_processes(rows).cpu().numpy() for rows in parts)
            self.collected = ()
        runner.loader_metrics.update(declared_scores(self.metrics, runner.confusion, targets, scores, years))


def labels(targets: torch.Tensor) -> torch.Tensor:
    """Targets as labels (B,): soft ones (B, C) count as their largest class."""
    return targets.argmax(1) if targets.ndim == 2 else targets
