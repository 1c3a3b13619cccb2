"""Lightning as its guide shows it: a LightningModule with torchmetrics, and a Trainer without bar, log and checkpoints.

F1 is updated a batch and computed an epoch, the cheaper of the two ways that torchmetrics documents.
"""

import logging
import warnings
from typing import Any

import lightning as L
import torch
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader
from torchmetrics.classification import MulticlassF1Score

from benchmarks.peers.image_files import loaders
from benchmarks.rounds import clock
from benchmarks.workload import Epoch, Workload, optimizer_settings

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # which devices there are, and advice


class Classifier(L.LightningModule):
    """The network with its loss, its metrics and its loaders."""

    def __init__(self, work: Workload, workers: int) -> None:
        super().__init__()
        self.model = work.make_network()
        self.f1 = MulticlassF1Score(num_classes=work.classes, average="macro")
        self.valid_f1 = MulticlassF1Score(num_classes=work.classes, average="macro")
        self.loaders = loaders(work, workers)

    def train_dataloader(self) -> "DataLoader[Any]":
        """Batches to train on."""
        return self.loaders[0]

    def val_dataloader(self) -> "DataLoader[Any]":
        """Batches to validate with."""
        return self.loaders[1]

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        """The batch's loss."""
        images, labels = batch
        logits = self.model(images)
        loss = functional.cross_entropy(logits, labels)
        self.f1.update(logits, labels)
        self.log("loss", loss, on_step=False, on_epoch=True)
        self.log("f1", self.f1, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        """The batch's predictions."""
        images, labels = batch
        self.valid_f1.update(self.model(images), labels)
        self.log("valid_f1", self.valid_f1)

    def configure_optimizers(self) -> Optimizer:
        """As the others'."""
        return AdamW(self.parameters(), **optimizer_settings())


class EpochClock(L.Callback):
    """What training epochs cost and came to: from the fit's start, or the epoch before, to the last batch's end."""

    def __init__(self) -> None:
        self.done: list[Epoch] = []

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The first loader is asked for next."""
        self.began = clock()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Training has ended for this epoch; its F1 comes after validation, and costs nothing here."""
        self.cost = clock() - self.began

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """All metrics are there, and the next epoch begins."""
        loss, f1, valid_f1 = (float(trainer.callback_metrics[name]) for name in ("loss", "f1", "valid_f1"))
        self.done.append(Epoch(self.cost, loss, f1, valid_f1))
        self.began = clock()


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate."""
    watch = EpochClock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises more workers, and fewer steps between logs
        trainer = L.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            callbacks=[watch],
        )
        trainer.fit(Classifier(work, workers))
    return watch.done
