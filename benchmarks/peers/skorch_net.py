"""skorch as its guide shows it: a NeuralNetClassifier on a Dataset, with epoch scoring of macro F1.

It scores an epoch after it has validated, and tells callbacks of batches only: an epoch's cost is to the last training
batch's end.
"""

from typing import Any

import numpy as np
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EpochScoring
from skorch.helper import predefined_split
from torch import nn
from torch.optim import AdamW

from benchmarks.peers.image_files import datasets
from benchmarks.rounds import Cost, clock
from benchmarks.workload import Epoch, Workload, optimizer_settings


class EpochClock(Callback):
    """Costs of training epochs."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []

    def on_epoch_begin(self, net: Any, **keywords: Any) -> None:
        """Just before the loader is made."""
        self.began = clock()
        self.costs.append(Cost())

    def on_batch_end(self, net: Any, training: bool = False, **keywords: Any) -> None:
        """The last one of training counts."""
        if training:
            self.costs[-1] = clock() - self.began


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate."""
    train_set, valid_set = datasets(work)
    watch = EpochClock()
    optimizer = {f"optimizer__{name}": value for name, value in optimizer_settings().items()}
    net = NeuralNetClassifier(
        work.make_network(),
        criterion=nn.CrossEntropyLoss,
        optimizer=AdamW,
        batch_size=work.batch_size,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        iterator_train__num_workers=workers,
        iterator_valid__num_workers=workers,
        train_split=predefined_split(valid_set),
        classes=np.arange(work.classes),
        callbacks=[
            ("f1", EpochScoring("f1_macro", lower_is_better=False, on_train=True, name="f1")),
            ("valid_f1", EpochScoring("f1_macro", lower_is_better=False, name="valid_f1")),
            ("watch", watch),
        ],
        callbacks__valid_acc=None,
        callbacks__print_log=None,
        verbose=0,
        **optimizer,
    )
    net.fit(train_set, y=None)
    return [
        Epoch(cost, float(row["train_loss"]), float(row["f1"]), float(row["valid_f1"]))
        for cost, row in zip(watch.costs, net.history, strict=True)
    ]
