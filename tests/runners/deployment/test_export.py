import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from data.errors import DataError
from runners.activations import softmax
from runners.deployment.backends import Backend, load_networks
from runners.deployment.export import export_fold
from runners.deployment.onnx_network import (
    OnnxNetwork,
    check_installed,
    difference,
    onnx_network,
    to_onnx,
    with_weights,
)
from runners.deployment.trained_run import read_trained_run

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


class Linear(nn.Module):
    """Logits from the mean colour."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.linear = nn.Linear(3, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(images.to(self.linear.weight.dtype).mean((1, 2)) / 255)


class Normed(Linear):
    """A batch norm that follows no convolution, with statistics of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean.copy_(torch.rand(3))
        self.norm.running_var.copy_(torch.rand(3) + 0.5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(self.norm(images.permute(0, 3, 1, 2) / 255).mean((2, 3)))


def test_an_exported_fold_predicts_as_torch_does_in_any_batch(finished_run, declare, tmp_path: Path) -> None:
    trained = read_trained_run(finished_run(tmp_path, declare(), ("a", "b", "c")))
    made = export_fold(trained, 1, tmp_path / "out")
    body, described = made.model.read_bytes(), json.loads(made.description.read_text())
    assert (made.model.name, made.description.name) == ("fold_1.onnx", "fold_1.json")
    assert described["sha256"] == hashlib.sha256(body).hexdigest() and described["run"] == trained.name
    assert described["classes"] == ["a", "b", "c"] and described["input"]["shape"] == ["batch", 32, 24, 3]
    assert [view["name"] for view in described["views"]] == ["runners.views.identity", "runners.views.hflip"]
    assert described["activation"] == {"name": "runners.activations.softmax"}
    assert 0 <= described["largest_difference"] <= 1e-4

    model = onnx.load_from_string(body)
    onnx.checker.check_model(model, full_check=True)
    (given,) = model.graph.input
    assert (given.name, given.type.tensor_type.elem_type) == ("images", onnx.TensorProto.UINT8)
    assert b"forward" not in body and str(Path(__file__).parents[3]).encode() not in body, "no line of code, no path"
    session, network = onnxruntime.InferenceSession(body), trained.network(1)
    for batch in (1, 4):
        images = torch.randint(0, 256, (batch, 32, 24, 3), dtype=torch.uint8)
        logits, probabilities = session.run(["logits", "probabilities"], {"images": images.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(logits, network(images), atol=1e-4)
            np.testing.assert_allclose(probabilities, network(images).softmax(1), atol=1e-5)
        again = onnx_network(body, 1, "cpu")(images)
        assert isinstance(again, torch.Tensor) and again.numpy().tobytes() == logits.tobytes()


def test_another_network_of_the_same_layers_needs_no_export() -> None:
    first, second = Linear(0), Linear(1)
    body = to_onnx(first, softmax, (4, 4))
    swapped = with_weights(body, second, softmax, (4, 4))
    assert swapped is not None and difference(onnx_network(swapped, 1, "cpu"), second, softmax, (4, 4)) < 1e-6
    with pytest.raises(DataError, match="As ONNX the network's probabilities differ by .* 0.0001 is the most"):
        difference(onnx_network(body, 1, "cpu"), second, softmax, (4, 4))
    assert with_weights(body, nn.Sequential(Linear(0)), softmax, (4, 4)) is None, "its weights have other names"


def test_statistics_of_a_batch_norm_that_follows_no_convolution_are_the_fold_s_own() -> None:
    first, second = Normed(0).eval(), Normed(1).eval()
    swapped = with_weights(to_onnx(first, softmax, (4, 4)), second, softmax, (4, 4))
    assert swapped is not None and difference(onnx_network(swapped, 1, "cpu"), second, softmax, (4, 4)) < 1e-6


def test_a_fold_that_another_one_s_file_does_not_fit_is_exported(
    finished_run, declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = read_trained_run(finished_run(tmp_path, declare(), ("a", "b")))
    monkeypatch.setattr("runners.deployment.backends.with_weights", lambda body, *_: body)  # weights of fold 0 remain
    measured: list[OnnxNetwork] = []

    def noted(made: OnnxNetwork, *rest: object) -> float:
        measured.append(made)
        return difference(made, *rest)

    monkeypatch.setattr("runners.deployment.backends.difference", noted)
    said: list[str] = []
    made = load_networks(trained, Backend.onnx, 1, "cpu", said.append)
    images = torch.randint(0, 256, (3, 32, 24, 3), dtype=torch.uint8)
    for fold, network in enumerate(made):
        with torch.no_grad():
            np.testing.assert_allclose(network(images), trained.network(fold)(images), atol=1e-4)
    assert "2 networks are made anew" in said[0]
    assert made == [measured[0], measured[2]], "what predicts was measured"


def test_a_number_that_is_none_is_a_difference() -> None:
    network = Linear(0)
    body = to_onnx(network, softmax, (4, 4))
    network.linear.bias.data[0] = torch.nan
    with pytest.raises(DataError, match="differ by nan from torch"):
        difference(onnx_network(body, 1, "cpu"), network, softmax, (4, 4))


def test_cuda_is_exact_and_never_the_processor_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Session:
        used = ["CPUExecutionProvider"]

        def __init__(self, body: bytes, options: object, providers: list[tuple[str, dict[str, int]]]) -> None:
            asked.extend(providers)

        def get_providers(self) -> list[str]:
            return self.used

        def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [np.ones((1, 2), np.float32)]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    with pytest.raises(DataError, match="could not start CUDAExecutionProvider and took CPUExecutionProvider"):
        onnx_network(b"", 1, "cuda")
    assert asked == [("CUDAExecutionProvider", {"use_tf32": 0})]
    Session.used = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert onnx_network(b"", 1, "cuda")(torch.zeros(1, 4, 4, 3)).tolist() == [[1, 1]]


def test_nothing_is_written_of_a_network_that_differs(
    finished_run, declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = read_trained_run(finished_run(tmp_path, declare(), ("a", "b")))
    monkeypatch.setattr("runners.deployment.export.to_onnx", lambda *_: to_onnx(Linear(0), softmax, (32, 24)))
    with pytest.raises(DataError, match="nothing is written"):
        export_fold(trained, 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    body = to_onnx(Linear(0), softmax, (4, 4))
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(DataError, match="on CUDA needs the package onnxruntime-gpu"):
            onnx_network(body, 1, "cuda")

    class Branching(Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images if images.sum() > 7 else images.flip(1))

    with pytest.raises(DataError, match="Branching can't be written as ONNX"):
        to_onnx(Branching(0), softmax, (4, 4))
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else found(name))
    with pytest.raises(DataError, match="export needs packages .*: python -m pip install -r requirements-onnx.txt"):
        check_installed("export")
