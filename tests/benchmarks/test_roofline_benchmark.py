import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import machine
from benchmarks.roofline import PRODUCT, Piece, count, count_training, goals, main, table
from benchmarks.rounds import Cost, Rounds


def test_operations_are_those_of_the_formula() -> None:
    convolution, depthwise = nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.Conv2d(6, 6, 3, groups=6)
    images = torch.zeros(4, 3, 32, 24)
    assert count(convolution, images) == 2 * 4 * 16 * 12 * 8 * 3 * 5 * 5  # images, places, kernels, channels, pixels
    assert count(depthwise, torch.zeros(2, 6, 5, 7)) == 2 * 2 * 3 * 5 * 6 * 3 * 3
    assert count(nn.Linear(10, 7), torch.zeros(3, 10)) == 2 * 3 * 10 * 7


def test_a_backward_pass_is_two_forward_ones_but_for_the_gradient_of_the_images() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.LazyLinear(7))
    images = torch.rand(2, 3, 16, 12)
    network(images)
    with FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    assert count_training(network, images) == counter.get_total_flops()


def test_a_goal_of_training_is_the_networks_own() -> None:
    assert "train, channels_last" not in goals("mobilenetv3_small_100")
    assert goals("mobilenetv3_small_050")["train, channels_last"] == ("train, contiguous", 1 / 0.65)


def test_shares_are_taken_within_a_round_and_goals_are_the_references_times_so_much() -> None:
    names = (PRODUCT, *goals("resnet18"), "train, contiguous")
    compared = {name: Piece(lambda: lambda: None, 2_000_000_000) for name in names}
    compared["predict, loop"] = Piece(lambda: lambda: None, 1_000_000_000)
    costs = {name: [Cost(1.0), Cost(2.0), Cost(4.0)] for name in compared}
    costs["predict, loop"] = [Cost(2.0), Cost(4.0), Cost(8.0)]
    rows = {row[:22].strip(): row[22:].split() for row in table(compared, Rounds(costs), goals("resnet18"))}
    assert rows[PRODUCT] == ["1.0", "1.00"]
    assert rows["predict, loop"] == ["0.2", "0.25"]
    assert rows["predict, onnx"] == ["1.0", "1.00", "0.50"]
    assert rows["train, channels_last"] == ["1.0", "1.00", "1.43"]


def test_prints_a_table_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    main(["--models", "test_resnet", "--size", "32", "--batch", "2", "--images", "2", "--rounds", "1"])
    header, *rows, empty, note, told = capsys.readouterr().out.splitlines()
    assert header.split() == "test_resnet GFLOP/s / product goal asks".split() and not empty
    assert len(rows) == 6 and max(map(len, (header, *rows, note, told))) <= 100 and told == machine()
    assert all(float(row[22:].split()[0]) > 0 for row in rows)
