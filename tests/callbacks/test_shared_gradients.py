import copy
from functools import partial

import pytest
import torch
from torch import nn

from callbacks.criterion import batch_weight
from callbacks.optimizer import Window
from runners.criteria import CrossEntropy

CLASSES = 3


class Network(nn.Module):
    """With a frozen parameter and one that is in no loss."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.Linear(5, 4), nn.Linear(4, CLASSES)
        self.unused = nn.Parameter(torch.ones(2))
        self.body.bias.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(images).tanh())


def points(images: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(images)
    return torch.randn(images, 5, generator=generator), torch.randint(CLASSES, (images,), generator=generator)


@pytest.mark.parametrize("batches", [(8,), (7, 4), (3, 1), (1,)])
def test_parts_of_batches_act_like_the_whole_ones(together, batches: tuple[int, ...]) -> None:
    """Three processes, a window of batches that do not divide evenly, and two criteria divided by different things."""
    criteria = [CrossEntropy(class_weights=(0.2, 1.0, 3.0)), nn.CrossEntropyLoss()]

    def gradients(network: Network, window: Window, rank: int, ranks: int) -> list[torch.Tensor | None]:
        for images, targets in map(points, batches):
            images, targets = images[rank::ranks], targets[rank::ranks]
            logits = network(images)
            for divisor, criterion in enumerate(criteria):
                loss = criterion(logits, targets) if len(targets) else logits.sum()
                weight = batch_weight(criterion, targets)
                window.add(divisor, weight, partial((loss * weight).backward, retain_graph=True))
        window.close(1.0)
        return [parameter.grad for parameter in network.parameters()]

    network = Network()
    copies = [copy.deepcopy(network) for _ in range(3)]

    def rank_of_three(rank, total):
        return gradients(copies[rank], Window(list(copies[rank].parameters()), total), rank, 3)

    whole = gradients(network, Window(list(network.parameters())), 0, 1)
    assert [gradient is None for gradient in whole] == [True, False, True, False, False]
    for shared in together(rank_of_three, 3):
        for one, other in zip(whole, shared, strict=True):
            assert (one is None) == (other is None)
            assert one is None or (one - other).abs().max() < 1e-6


def test_a_gradient_that_one_process_lacks_is_nothing_there(together) -> None:
    """In its parameter's own order in memory: a fused optimizer goes through both side by side."""

    def work(rank, total):
        parameter = nn.Parameter(torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last))
        window = Window([parameter], total)
        window.add(
            0,
            1.0,
            (lambda: None) if rank else lambda: (parameter * torch.arange(96.0).view(2, 3, 4, 4)).sum().backward(),
        )
        window.close(1.0)
        return parameter

    for parameter in together(work, 2):
        assert torch.equal(parameter.grad, torch.arange(96.0).view(2, 3, 4, 4) / 2)
        assert parameter.grad.stride() == parameter.stride()
