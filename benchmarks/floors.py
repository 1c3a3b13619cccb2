"""The compute floor: forward, backward and step on a batch that is there already, as often as an epoch has batches."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import AdamW

from benchmarks.rounds import Cost, timed
from benchmarks.workload import Workload, optimizer_settings
from runners.allocator import keep_freed_memory


def eager(work: Workload) -> Callable[[], Cost]:
    """What the others are bound to: a contiguous network, AdamW and memory as they are by default."""
    return _floor(work, torch.contiguous_format, fused=False)


def channels_last(work: Workload) -> Callable[[], Cost]:
    """What this project is bound to: a channels_last network, AdamW in one kernel, memory that the process keeps."""
    keep_freed_memory()
    return _floor(work, torch.channels_last, fused=True)


def _floor(work: Workload, layout: torch.memory_format, fused: bool) -> Callable[[], Cost]:
    model, criterion = work.make_network().to(memory_format=layout), nn.CrossEntropyLoss()
    optimizer = AdamW(model.parameters(), fused=fused, **optimizer_settings())
    images = torch.randn(work.batch_size, 3, *work.network.size).contiguous(memory_format=layout)
    labels = torch.randint(work.classes, (work.batch_size,))
    model.train()

    def turn() -> Cost:
        with timed() as cost:
            for _ in range(len(work.train) // work.batch_size):
                optimizer.zero_grad()
                criterion(model(images), labels).backward()
                optimizer.step()
        return cost

    return turn
