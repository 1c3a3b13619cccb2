import copy

import torch
from torch import nn
from torch._dynamo.utils import counters

import runners.compilation
from runners.compilation import compile_network, plain_network


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3))


def test_a_compiled_network_keeps_its_names_its_copies_and_its_outputs(monkeypatch) -> None:
    monkeypatch.setattr(runners.compilation, "BACKEND", "aot_eager")
    plain, compiled = network(), network()
    compile_network(compiled)
    before = counters["stats"]["unique_graphs"]
    for images in (torch.randn(5, 6), torch.randn(5, 6), torch.randn(2, 6)):
        torch.testing.assert_close(compiled(images), plain(images))
    assert counters["stats"]["unique_graphs"] == before + 2, "one for each shape"
    assert list(compiled.state_dict()) == list(plain.state_dict()) and type(compiled) is type(plain)
    copy.deepcopy(compiled).load_state_dict(plain.state_dict())
    plain_network(compiled)
    torch.testing.assert_close(compiled(torch.ones(7, 6)), plain(torch.ones(7, 6)))
    assert counters["stats"]["unique_graphs"] == before + 2, "no longer compiled"


def test_what_one_fold_compiles_serves_the_next_and_more_shapes_than_torch_would_take_are_compiled(monkeypatch) -> None:
    monkeypatch.setattr(runners.compilation, "BACKEND", "eager")
    first, second = network(), network()
    compile_network(first)
    compile_network(second)
    before = counters["stats"]["unique_graphs"]
    for size in range(2, 13):
        first(torch.randn(size, 6))
    assert counters["stats"]["unique_graphs"] == before + 11
    second(torch.randn(4, 6))
    assert counters["stats"]["unique_graphs"] == before + 11
