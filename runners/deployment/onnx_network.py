"""A network in ONNX's form: made from one of torch, checked against it, and run by ONNX Runtime."""

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from data.errors import DataError
from runners.batch_norm import without_batch_norm
from runners.inference import Activation

IMAGES, LOGITS, PROBABILITIES = "images", "logits", "probabilities"  # names of the input and of the outputs
TOLERANCE = 1e-4  # largest difference of a probability from torch's
CHECKED_BATCHES = (1, 2, 5)  # images; one of them is what the export was traced with
_TRACED = 2  # images: with one, torch would take a batch to be of one image always
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")

Size = tuple[int, int]


def check_installed(asked_by: str) -> None:
    """DataError with the command that installs what is not there."""
    if any(importlib.util.find_spec(package) is None for package in _PACKAGES):
        raise DataError(
            f"{asked_by} needs packages that are not installed: python -m pip install -r requirements-onnx.txt"
        )


def to_onnx(network: nn.Module, activation: Activation, size: Size) -> bytes:
    """The file's bytes: uint8 images (B, H, W, 3) of that size in, logits and probabilities (B, C) out, B left open.

    Batch norms are folded into convolutions first. ONNX's own checker has passed the file. It holds no path of this
    machine and no line of code, which torch writes into it. DataError where torch cannot express the network in ONNX.
    """
    import onnx

    images = _random_images(_TRACED, size)
    network = without_batch_norm(network.cpu(), images, activation)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about its own parts
            program = torch.onnx.export(
                _WithProbabilities(network, activation).eval(),
                (images,),
                input_names=[IMAGES],
                output_names=[LOGITS, PROBABILITIES],
                dynamic_shapes={IMAGES: {0: torch.export.Dim("batch")}},
                dynamo=True,
                verbose=False,
            )
    except (RuntimeError, TypeError, ValueError) as error:
        raise DataError(
            f"{type(network).__name__} can't be written as ONNX ({' '.join(str(error).split())[:200]}): a network of "
            "other layers would be right."
        ) from error
    if program is None:
        raise ValueError("torch made no ONNX program")
    model = program.model_proto
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    body: bytes = model.SerializeToString()
    return body


def with_weights(body: bytes, network: nn.Module, activation: Activation, size: Size) -> bytes | None:
    """The file's bytes with the weights of another network of the same layers, in a moment; an export takes seconds.

    None where not every weight is found in the file under its name: an exporter may compute with them, and keep what
    comes out. It may have done so with a part of them, so what is returned has to be compared with torch.
    """
    import onnx

    model = onnx.load_from_string(body)
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    network = without_batch_norm(network.cpu(), _random_images(_TRACED, size), activation)
    changed: dict[str, torch.Tensor] = dict(network.named_parameters(prefix="network"))
    for name, values in network.named_buffers(prefix="network"):  # statistics of batch norms that were not folded
        if values.is_floating_point() and name in held:
            changed[name] = values
    for name, values in changed.items():
        if name not in held or list(held[name].dims) != list(values.shape):
            return None
        held[name].CopyFrom(onnx.numpy_helper.from_array(values.detach().contiguous().numpy(), name))
    swapped: bytes = model.SerializeToString()
    return swapped


@dataclass(frozen=True)
class OnnxNetwork:
    """The function of images (B, H, W, 3), uint8, to logits (B, C) that a file holds; both on the processor."""

    run: Callable[..., list[np.ndarray]]  # of the session: names of outputs, and the input by its name

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.output(LOGITS, images)

    def output(self, name: str, images: torch.Tensor) -> torch.Tensor:
        """LOGITS or PROBABILITIES, (B, C)."""
        return torch.from_numpy(self.run([name], {IMAGES: images.cpu().numpy()})[0])


def onnx_network(body: bytes, threads: int, device: str) -> OnnxNetwork:
    """The network that a file's bytes hold, ready to predict.

    device: "cpu" or "cuda"; DataError where the ONNX Runtime that is installed cannot use the latter.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if provider not in onnxruntime.get_available_providers():
        raise DataError(
            "--backend onnx on CUDA needs the package onnxruntime-gpu in place of onnxruntime: --device cpu, or "
            "--backend torch, would be right."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    exact = {"use_tf32": 0} if device == "cuda" else {}  # TF32 has ten bits, too few for TOLERANCE
    session = onnxruntime.InferenceSession(body, options, providers=[(provider, exact)])
    used = session.get_providers()[0]
    if used != provider:  # a provider that does not start is replaced, and only a log tells
        raise DataError(
            f"ONNX Runtime could not start {provider} and took {used}: the CUDA and cuDNN that its version needs, "
            "--device cpu, or --backend torch, would be right."
        )
    return OnnxNetwork(session.run)


def difference(made: OnnxNetwork, network: nn.Module, activation: Activation, size: Size) -> float:
    """Largest difference of a probability from torch's, over random images in batches of CHECKED_BATCHES.

    DataError where it is above TOLERANCE.
    """
    network = network.cpu().eval()
    of_batches = []
    for batch in CHECKED_BATCHES:
        images = _random_images(batch, size)
        with torch.inference_mode():
            expected = activation(network(images))  # (B, C)
        of_batches.append((made.output(PROBABILITIES, images) - expected).abs().max())
    largest = float(torch.stack(of_batches).max())
    if not largest <= TOLERANCE:  # not a NaN either
        raise DataError(
            f"As ONNX the network's probabilities differ by {largest:.2g} from torch's, and {TOLERANCE:g} is the most "
            "that is taken: nothing is written."
        )
    return largest


def _random_images(batch: int, size: Size) -> torch.Tensor:
    """The same ones every time, uint8 (B, H, W, 3)."""
    return torch.randint(0, 256, (batch, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(batch))


class _WithProbabilities(nn.Module):
    def __init__(self, network: nn.Module, activation: Activation) -> None:
        super().__init__()
        self.network, self.activation = network, activation

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.network(images)
        return logits, self.activation(logits)
