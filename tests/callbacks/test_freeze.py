import copy

import pytest
import torch
from torch import nn

from callbacks.checkpoint import CheckpointCallback
from callbacks.freeze import FreezeCallback
from callbacks.monitor import Monitor

HEAD = ("head.",)


def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential()
    for name, layer in {
        "body": nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU()),
        "head": nn.Sequential(nn.BatchNorm1d(16), nn.Linear(16, 4)),
    }.items():
        model.add_module(name, layer)
    return model


class Watch(CheckpointCallback):
    """Keeps a copy of everything at each epoch's end."""

    def __init__(self, state=None) -> None:
        self.states: list[dict] = []
        super().__init__(
            Monitor("f1", "max"),
            config={},
            save_state=lambda state: self.states.append(copy.deepcopy(state)),
            save_best=lambda _: None,
            save_log=lambda _: None,
            load_state=lambda: copy.deepcopy(state),
        )


def run(train, *, epochs: int, frozen: int, state=None, **settings):
    watch = Watch(state)
    runner = train(
        model=network(),
        extra=[FreezeCallback(frozen, lambda model: HEAD), watch],
        epochs=epochs,
        **({"optimizer": adamw, "lr": 0.05, "accumulate": 3} | settings),
    )
    return watch.states, runner


def adamw(parameters, lr: float) -> torch.optim.AdamW:
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=0.3)  # would move frozen weights too, if it could


def part(weights: dict[str, torch.Tensor], prefix: str) -> torch.Tensor:
    return torch.cat([values.flatten().float() for name, values in weights.items() if name.startswith(prefix)])


def test_the_body_stands_still_statistics_included_and_then_trains(train) -> None:
    states, runner = run(train, epochs=4, frozen=2)
    first, *after = [network().state_dict(), *(state["model"] for state in states)]
    assert all(torch.equal(part(weights, "body."), part(first, "body.")) for weights in after[:2])
    assert not torch.equal(part(after[0], "head."), part(first, "head."))
    for name, values in after[2].items():
        assert not torch.equal(values, after[1][name]), f"{name} must train in epoch 3"
    assert int(after[3]["head.0.num_batches_tracked"]) == 4 * 8, "the head's own norm keeps counting"
    assert int(after[3]["body.1.num_batches_tracked"]) == 2 * 8
    assert all(parameter.requires_grad for parameter in runner.model.parameters())


def test_frozen_parameters_have_no_moments_of_the_optimizer(train) -> None:
    states, _ = run(train, epochs=3, frozen=2)
    assert len(states[1]["optimizer"]["state"]) == 4 and len(states[2]["optimizer"]["state"]) == 8


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_continued_fold_ends_with_the_same_bits(train, stop_after: int) -> None:
    """Stopped in the frozen epochs, just before the thaw, and after it."""
    whole, _ = run(train, epochs=4, frozen=2)
    continued, _ = run(train, epochs=4, frozen=2, state=whole[stop_after - 1])
    assert len(continued) == 4 - stop_after
    assert all(torch.equal(values, whole[-1]["model"][name]) for name, values in continued[-1]["model"].items())
    assert continued[-1]["log"] == whole[-1]["log"]


def test_what_was_frozen_before_stays_so(train) -> None:
    model = network()
    model.body[0].bias.requires_grad_(False)
    runner = train(model=model, extra=[FreezeCallback(1, lambda model: HEAD)], epochs=2)
    assert torch.equal(runner.model.body[0].bias, network().body[0].bias)
    assert not torch.equal(runner.model.body[0].weight, network().body[0].weight)
    assert not runner.model.body[0].bias.requires_grad
