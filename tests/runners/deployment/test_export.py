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
from runners.deployment.export import export_fold
from runners.deployment.onnx_network import check_installed, difference, onnx_network, to_onnx, with_weights
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
    assert swapped is not None and difference(swapped, second, softmax, (4, 4)) < 1e-6
    with pytest.raises(DataError, match="As ONNX the network's probabilities differ by .* 0.0001 is the most"):
        difference(body, second, softmax, (4, 4))
    assert with_weights(body, nn.Sequential(Linear(0)), softmax, (4, 4)) is None, "its weights have other names"


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
