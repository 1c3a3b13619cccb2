from functools import partial

import pytest
import torch
from torch import nn

from runners.diagnostics.model_summary import summarise, without_weights
from runners.factor_models import factor_networks
from runners.models import timm_classifier


class Small(nn.Module):
    """A convolution, a grouped one, a norm, a linear layer, a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8))
        self.depthwise = nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False)
        self.head = nn.Linear(8, 4)
        self.scale = nn.Parameter(torch.ones(7))
        self.depthwise.weight.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pixels = self.depthwise(self.body(images.float().permute(0, 3, 1, 2)))
        return self.head(pixels.mean((2, 3))) * self.scale.sum()


def test_parameters_and_multiplications_are_those_of_the_formula() -> None:
    found = summarise(Small(), torch.zeros(1, 20, 12, 3, dtype=torch.uint8))
    blocks = {block.name: block for block in found.blocks}
    height, width = 10, 6  # of the output of the convolution with stride 2
    convolution, depthwise, head = height * width * 8 * 3 * 9, height * width * 8 * 25, 8 * 4
    assert blocks["body.0"].parameters == 8 * 3 * 9 + 8 and blocks["body.0"].macs == convolution
    assert blocks["body.1"].parameters == 16 and blocks["body.1"].macs == 0
    assert blocks["depthwise"].macs == depthwise and blocks["depthwise"].trainable == 0
    assert blocks["head"].macs == head and blocks["head"].parameters == 36
    assert blocks["(outside of them)"].parameters == 7
    assert found.total.macs == convolution + depthwise + head
    assert found.total.parameters == sum(parameter.numel() for parameter in Small().parameters())
    assert found.total.parameters - found.total.trainable == 200
    assert found.output == (1, 4)
    assert found.weight_bytes == 4 * (found.total.parameters + 16) + 8  # mean and variance; how many batches were seen


def test_shared_parameters_are_counted_once() -> None:
    layer = nn.Linear(5, 5)
    found = summarise(nn.Sequential(layer, nn.Sequential(layer, nn.Linear(5, 5))), torch.zeros(1, 5))
    assert found.total.parameters == 60 and found.total.macs == 75


@pytest.mark.parametrize("make", [partial(timm_classifier), partial(factor_networks, factors=(3, 2, 3))])
def test_the_blocks_add_up_to_the_network(make) -> None:
    model = make(num_classes=18, backbone="test_resnet", pretrained=None, drop_rate=0.0)
    found = summarise(model, torch.zeros(1, 32, 24, 3, dtype=torch.uint8))
    assert sum(block.macs for block in found.blocks) == found.total.macs > 0
    assert found.total.parameters == found.total.trainable == sum(p.numel() for p in model.parameters())
    assert len(found.blocks) >= 3 and found.output == (1, 18)


def test_a_look_needs_no_weights() -> None:
    declared = partial(timm_classifier, backbone="test_resnet", pretrained="hub", drop_rate=0.1)
    assert without_weights(declared).keywords == declared.keywords | {"pretrained": None}
    assert without_weights(partial(Small)).keywords == {}
