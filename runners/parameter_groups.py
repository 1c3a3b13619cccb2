"""Groups of a model's parameters: rates by depth, no weight decay where it makes no sense, a head apart from its body.

A model is taken as `backbone` (a timm network) and what is around it; the head is the backbone's own classifier, which
timm names in `pretrained_cfg`, and everything outside the backbone.
"""

from typing import Any

from torch import nn

from data.errors import DataError

_BACKBONE = "backbone."


def parameter_groups(model: nn.Module, *, layer_decay: float, decay_norms: bool) -> list[dict[str, Any]]:
    """Groups for an optimizer, the head's first.

    layer_decay: the head learns at the optimizer's rate, each layer below it at this factor times the rate of the layer
    above (Clark et al. 2020, ELECTRA; layers as timm's group_matcher has them); 1.0: all alike.
    decay_norms: False takes weight decay off norms and biases (vectors), and off what timm's no_weight_decay names.

    A group's "lr_scale" is what runners.optimizers multiplies its rate by. ValueError for a layer_decay outside
    (0, 1], DataError for a model without the layers.
    """
    if not 0 < layer_decay <= 1:
        raise ValueError(f"layer_decay is {layer_decay}: a number above 0 and up to 1 would be right")
    layers = layer_numbers(model) if layer_decay < 1 else {}
    undecayed = set() if decay_norms else _undecayed(model)
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        below, plain = max(layers.values(), default=0) - layers.get(name, 0), name in undecayed
        group = {"params": [], "lr_scale": layer_decay**below} | ({"weight_decay": 0.0} if plain else {})
        groups.setdefault((below, plain), group)["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def layer_numbers(model: nn.Module) -> dict[str, int]:
    """{name of a parameter: its layer}, 0 for the stem, the head's the largest; DataError for a backbone without."""
    from timm.models import group_parameters  # here: it takes two seconds that --help need not wait for

    backbone: Any = _backbone(model, "parameters")
    if not hasattr(backbone, "group_matcher"):
        raise DataError("parameters: layer_decay takes the layers of a timm backbone, and this model's has none.")
    found = group_parameters(backbone, backbone.group_matcher(coarse=False), reverse=True)
    layers = {_BACKBONE + name: int(layer) for name, layer in found.items()}
    around = [name for name, _ in model.named_parameters() if not name.startswith(_BACKBONE)]
    return layers | dict.fromkeys(around, max(layers.values()) + 1)


def head_prefixes(model: nn.Module) -> tuple[str, ...]:
    """What the names of the head's parameters and modules begin with; DataError for a model that has no backbone."""
    classifier = _backbone(model, "freeze_epochs").pretrained_cfg["classifier"]
    inside = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    learnt = (name for name, child in model.named_children() if next(child.parameters(), None) is not None)
    around = (name for name in learnt if f"{name}." != _BACKBONE)
    return (*(f"{_BACKBONE}{name}." for name in inside), *(f"{name}." for name in around))


def _backbone(model: nn.Module, field: str) -> Any:
    backbone = getattr(model, "backbone", None)
    if not getattr(backbone, "pretrained_cfg", None):
        raise DataError(
            f"{field} tells a head from its backbone, and {type(model).__name__} has no timm network as `backbone`."
        )
    return backbone


def _undecayed(model: nn.Module) -> set[str]:
    vectors = {name for name, parameter in model.named_parameters() if parameter.ndim <= 1 or name.endswith(".bias")}
    backbone: Any = getattr(model, "backbone", None)
    named = backbone.no_weight_decay() if hasattr(backbone, "no_weight_decay") else set()
    return vectors | {_BACKBONE + name for name in named}
