import copy
from collections.abc import Callable

import pytest
import timm
import torch
from torch import nn

from callbacks.average import recompute_statistics
from runners.shared_network import SharedNetwork


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5))


def of_timm() -> nn.Module:
    """Its layers of batch norm are a class of their own, which torch's SyncBatchNorm knows nothing of."""
    return timm.create_model("test_efficientnet", num_classes=5)


def step(network: nn.Module, images: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    logits = network(images)
    ((logits - wanted) ** 2).sum().backward()
    return logits.detach()


@pytest.mark.parametrize("make", [small, of_timm])
@pytest.mark.parametrize(("images", "ranks"), [(7, 2), (4, 3), (2, 3)])
def test_a_batch_is_one_batch_however_it_is_divided(
    together, make: Callable[[], nn.Module], images: int, ranks: int
) -> None:
    torch.manual_seed(0)
    batch, wanted = torch.randn(images, 3, 20, 16).double(), torch.randn(images, 5).double()
    network = make().double().train()
    network(batch)  # lazy layers get their size
    parts = [copy.deepcopy(network) for _ in range(ranks)]

    def work(rank, total):
        return step(SharedNetwork(parts[rank], total), batch[rank::ranks], wanted[rank::ranks])

    logits, whole = together(work, ranks), step(network, batch, wanted)
    for rank, part in enumerate(parts):
        assert len(logits[rank]) == len(whole[rank::ranks])
        torch.testing.assert_close(logits[rank], whole[rank::ranks])
        for (name, values), other in zip(network.state_dict().items(), part.state_dict().values(), strict=True):
            torch.testing.assert_close(values, other, msg=name)
    for parameter, *others in zip(network.parameters(), *(part.parameters() for part in parts), strict=True):
        summed = torch.stack([one.grad for one in others]).sum(0)
        torch.testing.assert_close(summed, parameter.grad)


def test_statistics_of_an_average_are_those_of_all_parts(together) -> None:
    torch.manual_seed(0)
    network, whole = small().train(), [torch.randn(4, 3, 8, 8), torch.randn(1, 3, 8, 8)]
    network(whole[0])
    parts = [copy.deepcopy(network) for _ in range(2)]

    def work(rank, total):
        loader = [{"features": batch[rank::2]} for batch in whole]
        recompute_statistics(SharedNetwork(parts[rank], total), loader, "cpu")

    together(work, 2)
    recompute_statistics(network, [{"features": batch} for batch in whole], "cpu")
    for part in parts:
        torch.testing.assert_close(part[1].running_var, network[1].running_var)
        torch.testing.assert_close(part[1].running_mean, network[1].running_mean)


def test_what_keeps_its_statistics_asks_nobody() -> None:
    network = small().eval()
    batch = torch.randn(3, 3, 8, 8)
    expected = network(batch)

    def refuse(values: torch.Tensor) -> torch.Tensor:
        raise AssertionError("nothing is to be exchanged")

    shared = SharedNetwork(network, refuse).eval()
    assert torch.equal(shared(batch), expected) and shared(batch[:0]).shape == (0, 5)
