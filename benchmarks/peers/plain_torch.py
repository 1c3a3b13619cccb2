"""PyTorch alone: the training loop of its tutorials, with scikit-learn's F1 at each epoch's end."""

from typing import Any

import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.optim import AdamW
from torch.utils.data import DataLoader

from benchmarks.peers.image_files import loaders
from benchmarks.rounds import timed
from benchmarks.workload import Epoch, Workload, optimizer_settings


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate."""
    train_loader, valid_loader = loaders(work, workers)
    model, criterion = work.make_network(), nn.CrossEntropyLoss()
    optimizer = AdamW(model.parameters(), **optimizer_settings())
    done = []
    for _ in range(epochs):
        with timed() as cost:
            loss, f1 = _train_epoch(model, train_loader, criterion, optimizer)
        done.append(Epoch(cost, loss, f1, _validate(model, valid_loader)))
    return done


def _train_epoch(
    model: nn.Module, loader: "DataLoader[Any]", criterion: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
    model.train()
    total, targets, predictions = 0.0, list[torch.Tensor](), list[torch.Tensor]()
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(images)
        targets.append(labels)
        predictions.append(logits.argmax(1))
    f1 = f1_score(torch.cat(targets), torch.cat(predictions), average="macro")
    return total / sum(map(len, targets)), float(f1)


@torch.no_grad()
def _validate(model: nn.Module, loader: "DataLoader[Any]") -> float:
    model.eval()
    targets, predictions = list[torch.Tensor](), list[torch.Tensor]()
    for images, labels in loader:
        targets.append(labels)
        predictions.append(model(images).argmax(1))
    return float(f1_score(torch.cat(targets), torch.cat(predictions), average="macro"))
