"""timm's own training: its data sets, loaders, transforms, optimizer, schedule and meters, in the order of its script.

The script is no part of the package, so the loop is put together here from the package's parts, with the script's
defaults but for the augmentation, which is the same as everybody's: --scale 1 1 --ratio .75 .75 --hflip .5
--color-jitter 0 --train-interpolation bilinear --smoothing 0. Its prefetcher is on, as it is by default: on a CPU it
normalises whole batches. The script knows accuracy only; F1 is computed as with PyTorch alone.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from sklearn.metrics import f1_score
from timm.data import create_dataset, create_loader
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import AverageMeter
from torch import nn

from benchmarks.rounds import timed
from benchmarks.workload import FLIP, LEARNING_RATE, MEAN, STD, WEIGHT_DECAY, Epoch, Workload

ASPECT = 0.75  # width / height of the photographs: a crop of this shape and of the whole area is the whole image


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate."""
    return _train(work, workers, epochs, channels_last=False)


def train_channels_last(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """The same with --channels-last."""
    return _train(work, workers, epochs, channels_last=True)


def _train(work: Workload, workers: int, epochs: int, channels_last: bool) -> list[Epoch]:
    layout = torch.channels_last if channels_last else torch.contiguous_format
    train_loader = _loader(work, work.train, "train", workers, True)
    valid_loader = _loader(work, work.valid, "valid", workers, False)
    model, criterion = work.make_network().to(memory_format=layout), nn.CrossEntropyLoss()
    optimizer = create_optimizer_v2(model, opt="adamw", lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    updates = len(train_loader)
    scheduler, _ = create_scheduler_v2(optimizer, sched="cosine", num_epochs=epochs, updates_per_epoch=updates)
    done = []
    for epoch in range(epochs):
        with timed() as cost:
            loss, f1 = _train_epoch(epoch, model, train_loader, criterion, optimizer, scheduler, layout)
        done.append(Epoch(cost, loss, f1, _validate(model, valid_loader, layout)))
        scheduler.step(epoch + 1)
    return done


def _train_epoch(
    epoch: int,
    model: nn.Module,
    loader: Any,
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: Any,
    layout: torch.memory_format,
) -> tuple[float, float]:
    model.train()
    losses, updates = AverageMeter(), epoch * len(loader)
    targets, predictions = list[torch.Tensor](), list[torch.Tensor]()
    optimizer.zero_grad()
    for images, labels in loader:
        logits = model(images.contiguous(memory_format=layout))
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        losses.update(loss.item(), len(images))
        targets.append(labels)
        predictions.append(logits.argmax(1))
        updates += 1
        optimizer.zero_grad()
        scheduler.step_update(num_updates=updates, metric=losses.avg)
    return losses.avg, float(f1_score(torch.cat(targets), torch.cat(predictions), average="macro"))


@torch.inference_mode()
def _validate(model: nn.Module, loader: Any, layout: torch.memory_format) -> float:
    model.eval()
    targets, predictions = list[torch.Tensor](), list[torch.Tensor]()
    for images, labels in loader:
        targets.append(labels)
        predictions.append(model(images.contiguous(memory_format=layout)).argmax(1))
    return float(f1_score(torch.cat(targets), torch.cat(predictions), average="macro"))


def _loader(work: Workload, table: pd.DataFrame, split: str, workers: int, training: bool) -> Any:
    root = _class_folders(work, table, split)
    numbers = {f"{number:03d}": number for number in range(work.classes)}  # else only of the classes that are there
    return create_loader(
        create_dataset("", root=str(root), class_map=numbers, is_training=training),
        input_size=(3, *work.network.size),
        batch_size=work.batch_size,
        is_training=training,
        scale=(1.0, 1.0),
        ratio=(ASPECT, ASPECT),
        hflip=FLIP,
        color_jitter=0.0,
        interpolation="bilinear",
        mean=MEAN,
        std=STD,
        num_workers=workers,
        crop_pct=1.0,
        crop_mode="squash",
        device=torch.device("cpu"),
    )


def _class_folders(work: Workload, table: pd.DataFrame, split: str) -> Path:
    """A folder a class, as timm reads labels, of links to the images."""
    root = work.folder / "timm" / split
    for number in range(work.classes):
        (root / f"{number:03d}").mkdir(parents=True, exist_ok=True)
    for path, target in zip(table["path"], table["target"], strict=True):
        link = root / f"{target:03d}" / path.replace("/", "_")
        if not link.is_symlink():
            link.symlink_to((work.root / path).resolve())
    return root
