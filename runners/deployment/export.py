"""A fold's network as a file for other programs, with all that they have to know beside it."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from runners.deployment.onnx_network import (
    IMAGES,
    LOGITS,
    PROBABILITIES,
    TOLERANCE,
    difference,
    onnx_network,
    to_onnx,
)
from runners.deployment.trained_run import TrainedRun
from runners.record import to_record
from runners.state import file_digest, write_bytes, write_json

_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Exported:
    """One fold's two files, and how far the network is from torch's."""

    model: Path
    description: Path
    bytes: int
    difference: float  # largest, of a probability


def export_fold(trained: TrainedRun, fold: int, folder: Path) -> Exported:
    """Write fold_<k>.onnx and, when that is on disk, fold_<k>.json with its sha256; both durably.

    DataError where the network cannot be written as ONNX, or differs from torch's by more than TOLERANCE: then nothing
    is written. Raises OSError with the path and the bytes needed.
    """
    network, size = trained.network(fold), trained.image_size
    body = to_onnx(network, trained.activation, size)
    found = difference(onnx_network(body, 1, "cpu"), network, trained.activation, size)
    model, description = folder / f"fold_{fold}.onnx", folder / f"fold_{fold}.json"
    described = {
        "file": model.name,
        "sha256": hashlib.sha256(body).hexdigest(),
        "run": trained.name,
        "fold": fold,
        "weights_sha256": file_digest(trained.run.fold(fold).best),
        "classes": list(trained.class_names),
        "input": {
            "name": IMAGES,
            "type": "uint8",
            "shape": ["batch", *size, 3],
            "values": "0 to 255, RGB, upright; the network normalises them itself",
            "made_by": to_record(trained.declaration.valid_transform, "valid_transform"),
        },
        "outputs": {LOGITS: ["batch", len(trained.class_names)], PROBABILITIES: ["batch", len(trained.class_names)]},
        "activation": to_record(trained.activation, "activation"),
        "views": to_record(trained.declaration.tta, "tta"),
        "largest_difference": found,
        "tolerance": TOLERANCE,
        "versions": {package: version(package) for package in _PACKAGES},
    }
    write_bytes(model, body)
    write_json(description, described)
    return Exported(model, description, len(body), found)
