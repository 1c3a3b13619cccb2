import pytest
import torch
from torch import nn

from runners.activations import softmax
from runners.batch_norm import without_batch_norm
from runners.models import timm_classifier

IMAGES = torch.randint(0, 256, (3, 32, 24, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def experienced(network: nn.Module) -> nn.Module:
    """The network in evaluation mode, its batch norms as if they had seen something."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.data.uniform_(0.5, 2, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
    return network.eval()


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


class Block(nn.Module):
    """Images (B, H, W, 3) to 3 logits, by a convolution and a batch norm."""

    def __init__(self, branch: bool = False) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.convolution, self.norm, self.branch = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), branch

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        made = self.convolution(images.permute(0, 3, 1, 2).to(self.convolution.weight.dtype) / 255)
        return (self.norm(made) + made if self.branch else self.norm(made)).mean((2, 3))


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "mobilenetv3_small_050"])
def test_timm_networks_predict_the_same_without_batch_norms(backbone: str) -> None:
    torch.manual_seed(0)
    network = experienced(timm_classifier(num_classes=5, backbone=backbone, pretrained=None, drop_rate=0.2))
    before = {name: values.clone() for name, values in network.state_dict().items()}
    folded = without_batch_norm(network, IMAGES, softmax)
    assert norms(network) > 3 and norms(folded) == 0, "the network itself stays as it was"
    assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())
    other = IMAGES.flip(0, 1)
    with torch.no_grad():
        torch.testing.assert_close(softmax(folded(other)), softmax(network(other)), rtol=0, atol=1e-5)
    assert {values.dtype for values in folded.state_dict().values()} == {torch.float32}
    assert not any(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in folded.modules())


def test_a_convolution_that_is_used_twice_keeps_its_batch_norm() -> None:
    network = experienced(Block(branch=True))
    assert without_batch_norm(network, IMAGES, softmax) is network
    assert norms(without_batch_norm(experienced(Block()), IMAGES, softmax)) == 0


def test_a_batch_norm_that_is_asked_for_more_than_its_output_is_kept() -> None:
    class Asking(Block):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) * self.norm.eps

    network = experienced(Asking())
    assert without_batch_norm(network, IMAGES, softmax) is network


def test_a_network_without_batch_norms_is_itself() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(32 * 24 * 3, 2))
    assert without_batch_norm(network, IMAGES.double(), softmax) is network
