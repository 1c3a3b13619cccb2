"""Catalyst 22.4 as its README shows it: SupervisedRunner, and its own callback for F1.

On accelerate 1.0 and later it ends with an AttributeError at the first loader's end; that one method is overridden, as
it must be to run at all, and nothing else.
"""

import contextlib
import io
import warnings
from typing import Any

from catalyst import dl
from torch import nn
from torch.optim import AdamW

from benchmarks.catalyst_clock import CatalystClock
from benchmarks.peers.image_files import loaders
from benchmarks.workload import Epoch, Workload, optimizer_settings


class Engine(dl.CPUEngine):
    """Catalyst's engine, but for a device type that accelerate has no more."""

    def mean_reduce_ddp_metrics(self, metrics: dict[str, Any], keys: Any = None) -> dict[str, Any]:
        """One process: a mean over processes is the number itself."""
        return metrics


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate."""
    train_loader, valid_loader = loaders(work, workers)
    model = work.make_network()
    runner = dl.SupervisedRunner(
        input_key="features", output_key="logits", target_key="targets", loss_key="loss", engine=Engine()
    )
    clock = CatalystClock()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():  # its console log can't be left out
        warnings.simplefilter("ignore", UserWarning)  # of a loss with gradients that it makes a float
        runner.train(
            model=model,
            criterion=nn.CrossEntropyLoss(),
            optimizer=AdamW(model.parameters(), **optimizer_settings()),
            loaders={"train": train_loader, "valid": valid_loader},
            num_epochs=epochs,
            callbacks=[
                dl.PrecisionRecallF1SupportCallback(
                    input_key="logits", target_key="targets", num_classes=work.classes
                )
            ],
            loggers={"clock": clock},
            verbose=False,
        )
    metrics = [runner.experiment_metrics[epoch] for epoch in range(1, epochs + 1)]
    return [
        Epoch(cost, epoch["train"]["loss"], epoch["train"]["f1/_macro"], epoch["valid"]["f1/_macro"])
        for cost, epoch in zip(clock.costs, metrics, strict=True)
    ]
