"""A head whose logits are scaled cosines, for losses that put a margin on angles."""

import torch
from torch import nn
from torch.nn import functional

from data.errors import DataError
from runners.models import ImageClassifier, timm_classifier


class CosineHead(nn.Module):
    """Cosines between features and each class's direction, times `scale`: (B, F) -> logits (B, C) in [-scale, scale].

    Computed in float32 also under mixed precision: three digits of a cosine are not enough once it is scaled.
    """

    def __init__(self, features: int, classes: int, scale: float) -> None:
        super().__init__()
        if not scale > 0:
            raise ValueError(f"logit_scale is {scale}: a number above 0, such as 30, would be right")
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(classes, features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of features."""
        with torch.autocast(features.device.type, enabled=False):
            directions = functional.normalize(self.weight.float(), dim=1)  # (C, F)
            return self.scale * functional.linear(functional.normalize(features.float(), dim=1), directions)


def cosine_classifier(
    *, num_classes: int, backbone: str, pretrained: str | None, drop_rate: float, logit_scale: float
) -> ImageClassifier:
    """`timm_classifier` with a CosineHead of scale `logit_scale` in place of its linear layer, under the same name.

    Raises DataError, beside those of timm_classifier, for a backbone whose classifier is no linear layer.
    """
    network = timm_classifier(num_classes=num_classes, backbone=backbone, pretrained=pretrained, drop_rate=drop_rate)
    config, linear = network.backbone.pretrained_cfg, network.backbone.get_classifier()  # type: ignore[operator]
    name = config["classifier"]  # type: ignore[index]
    if not isinstance(linear, nn.Linear) or not isinstance(name, str):
        raise DataError(
            f"model: the classifier of {backbone} is {type(linear).__name__}, not one linear layer that cosines could "
            "replace: another backbone would be right."
        )
    network.backbone.set_submodule(name, CosineHead(linear.in_features, num_classes, logit_scale))
    return network
