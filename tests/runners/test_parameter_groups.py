import pytest
import timm
import torch
from timm.optim import param_groups_layer_decay, param_groups_weight_decay
from torch import nn

from data.errors import DataError
from runners.models import ImageClassifier, timm_classifier
from runners.parameter_groups import head_prefixes, layer_numbers, parameter_groups

BACKBONES = ("test_resnet", "test_vit", "test_convnext", "mobilenetv3_small_050")


def make(backbone: str) -> ImageClassifier:
    return timm_classifier(num_classes=5, backbone=backbone, pretrained=None, drop_rate=0.0)


def settings(model: nn.Module, groups: list[dict], key: str) -> dict[str, float]:
    """{name of a parameter: what its group says}; every parameter is in one group."""
    found = {id(parameter): group.get(key) for group in groups for parameter in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(found) == len(list(model.parameters()))
    return {name: found[id(parameter)] for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("decay", [0.75, 0.9])
def test_rates_by_depth_are_timms(backbone: str, decay: float) -> None:
    model = make(backbone)
    ours = settings(model, parameter_groups(model, layer_decay=decay, decay_norms=True), "lr_scale")
    theirs = settings(model.backbone, param_groups_layer_decay(model.backbone, layer_decay=decay), "lr_scale")
    assert ours == pytest.approx({f"backbone.{name}": scale for name, scale in theirs.items()})
    assert len(set(ours.values())) > 4 and max(ours.values()) == 1


def test_the_head_comes_first_so_that_the_logged_rate_is_the_optimizers() -> None:
    model = make("test_resnet")
    groups = parameter_groups(model, layer_decay=0.5, decay_norms=False)
    scales = [group["lr_scale"] for group in groups]
    assert scales == sorted(scales, reverse=True) and scales[0] == 1
    assert any(parameter is model.backbone.fc.weight for parameter in groups[0]["params"])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_norms_and_biases_without_weight_decay_are_timms(backbone: str) -> None:
    model = make(backbone)
    network = model.backbone
    named = getattr(network, "no_weight_decay", set)()
    theirs = settings(
        network, param_groups_weight_decay(network, weight_decay=0.1, no_weight_decay_list=named), "weight_decay"
    )
    ours = settings(model, parameter_groups(model, layer_decay=1.0, decay_norms=False), "weight_decay")
    assert {name: value == 0 for name, value in ours.items()} == {
        f"backbone.{name}": value == 0 for name, value in theirs.items()
    }
    everything = parameter_groups(model, layer_decay=1.0, decay_norms=True)
    assert len(everything) == 1 and "weight_decay" not in everything[0]


class SeveralHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = timm.create_model("test_resnet", num_classes=0)
        self.mask, self.age = nn.Linear(4, 3), nn.Linear(4, 1)


def test_heads_around_a_backbone_are_its_head() -> None:
    model = SeveralHeads()
    layers = layer_numbers(model)
    assert layers["mask.weight"] == layers["age.bias"] == max(layers.values()) > layers["backbone.layer4.0.bn2.bias"]
    assert layers["backbone.conv1.0.weight"] == 0
    assert set(head_prefixes(model)) == {"backbone.fc.", "mask.", "age."}


@pytest.mark.parametrize(
    ("backbone", "head"), [("test_resnet", "fc"), ("test_vit", "head"), ("test_convnext", "head.fc")]
)
def test_a_timm_networks_head_is_its_classifier(backbone: str, head: str) -> None:
    assert head_prefixes(make(backbone)) == (f"backbone.{head}.",)


def test_what_has_no_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="layer_decay is 1.5: a number above 0 and up to 1"):
        parameter_groups(make("test_resnet"), layer_decay=1.5, decay_norms=True)
    with pytest.raises(DataError, match="Linear has no timm network as `backbone`"):
        parameter_groups(nn.Linear(3, 2), layer_decay=0.5, decay_norms=True)
    groups = parameter_groups(nn.Linear(3, 2), layer_decay=1.0, decay_norms=False)  # needs no layers
    assert [torch.numel(group["params"][0]) for group in groups] == [6, 2]
