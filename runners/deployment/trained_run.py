"""A finished run as what it leaves to use: the networks of its folds, and what has to be known to use them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from data.errors import DataError
from data.transforms import Transform
from runners.activations import softmax
from runners.diagnostics.model_summary import without_weights
from runners.experiment import Experiment, build
from runners.inference import Activation
from runners.linear_probe import Declaration, LinearProbe
from runners.run_folder import RunFolder
from runners.state import read_checkpoint, read_json

_WEIGHTS = re.compile(r"fold_([0-9]+)/best\.pth")


@dataclass(frozen=True)
class TrainedRun:
    """A run whose every file is what it was when the run ended."""

    run: RunFolder
    declaration: Declaration
    class_names: tuple[str, ...]
    folds: tuple[int, ...]  # that have a network, from 0 on

    @property
    def name(self) -> str:
        """Experiment and identity, "baseline 304a34000a": the same wherever the run lies."""
        return f"{self.declaration.name} {self.run.root.name.rpartition('-')[2]}"

    @property
    def activation(self) -> Activation:
        """From logits to probabilities."""
        return softmax if isinstance(self.declaration, LinearProbe) else self.declaration.activation

    @property
    def transform(self) -> Transform:
        """What makes an image of a file."""
        made: Transform = build("valid_transform", self.declaration.valid_transform)
        return made

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) of the images that the networks were validated with."""
        transform = self.transform
        height, width, _ = transform(np.zeros((*transform.size, 3), np.uint8), (0, 0, 0)).shape
        return height, width

    def network(self, fold: int) -> nn.Module:
        """A fold's network with the weights that predicted for it; DataError where they do not fit."""
        path = self.run.fold(fold).best
        weights = read_checkpoint(path).get("model")
        model: nn.Module = build("model", without_weights(self.declaration.model), num_classes=len(self.class_names))
        try:
            if not isinstance(weights, dict):
                raise TypeError("there are none")
            model.load_state_dict(weights)
        except (TypeError, RuntimeError) as error:
            raise DataError(
                f"{path} does not hold weights of the network that {self.run.record.name} declares "
                f"({' '.join(str(error).split())[:200]}): the code that the run was made with would be right."
            ) from error
        return model.eval()


def read_trained_run(run: RunFolder) -> TrainedRun:
    """Check a finished run against its manifest and read its declaration, which imports what that names.

    DataError where a file is no longer what it was, the run kept no networks (an ensemble), or its declaration is none
    of this version's.
    """
    run.check_manifest()
    sealed = read_json(run.manifest)
    folds = sorted(int(found[1]) for name in sealed if (found := _WEIGHTS.fullmatch(name)))
    if not folds or run.record.name not in sealed or run.scores.name not in sealed:
        raise DataError(
            f"{run.root} has no networks of its own, only predictions: the run of an experiment would be right."
        )
    names = read_json(run.scores).get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{run.scores}: classes is no list of names.")
    return TrainedRun(run, _declaration(run, read_json(run.record)), tuple(names), tuple(folds))


def _declaration(run: RunFolder, record: Mapping[str, Any]) -> Declaration:
    kind = LinearProbe if "classifier" in record else Experiment
    try:
        declared: Declaration = kind.from_record(record)
    except (TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{run.record} is no declaration of this version of the project ({' '.join(str(error).split())[:200]}): "
            "the code that the run was made with would be right."
        ) from error
    return declared
