import copy
import io
from functools import partial

import pytest
import torch
from torch import nn, optim

from data.errors import DataError
from runners.models import timm_classifier
from runners.optimizers import fused, make_optimizer, timm_optimizer
from runners.parameter_groups import parameter_groups

TORCH = [
    partial(optim.AdamW, lr=0.01, weight_decay=0.1),
    partial(optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    partial(optim.RAdam, lr=0.01),
    partial(optim.NAdam, lr=0.01),
    partial(optim.RMSprop, lr=0.01, momentum=0.9),
    partial(optim.Adagrad, lr=0.1),
    partial(optim.Adamax, lr=0.01),
    partial(optim.Adadelta, lr=1.0),
]
TIMM = ("lion", "nadamw", "lamb", "lars", "adan", "adabelief", "adamp", "sgdp", "madgrad", "adopt", "laprop", "mars",
        "adafactor", "adafactorbv", "rmsproptf", "novograd", "muon", "cadamw", "clion")  # fmt: skip
ALL = [*TORCH, *(partial(timm_optimizer, optimizer=name, lr=0.01, weight_decay=0.01) for name in TIMM)]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


def steps(model: nn.Module, optimizer: optim.Optimizer, numbers: range) -> None:
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        images, targets = torch.randn(12, 8, generator=generator), torch.randint(0, 3, (12,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), targets).backward()
        optimizer.step()


@pytest.mark.parametrize("factory", ALL, ids=lambda f: f.keywords.get("optimizer", f.func.__name__))
def test_a_saved_optimizer_goes_on_with_the_same_bits(factory) -> None:
    """Through a file that holds tensors and plain values only, as a checkpoint does."""
    model = network()
    optimizer = make_optimizer(factory, None, model)
    start = copy.deepcopy(model.state_dict())
    steps(model, optimizer, range(5))
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    steps(model, optimizer, range(5, 10))
    assert not any(torch.equal(start[name], values) for name, values in model.state_dict().items())

    file.seek(0)
    saved, other = torch.load(file, weights_only=True), network()
    again = make_optimizer(factory, None, other)
    again.load_state_dict(saved["optimizer"])
    other.load_state_dict(saved["model"])
    steps(other, again, range(5, 10))
    assert all(torch.equal(values, model.state_dict()[name]) for name, values in other.state_dict().items())


def test_lion_is_its_formula() -> None:
    """Chen et al. 2023, algorithm 2: the sign of an average, and decoupled weight decay."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimizer = timm_optimizer([weight], optimizer="lion", lr=0.1, betas=(0.9, 0.99), weight_decay=0.5)
    value, momentum, generator = weight.detach().clone(), torch.zeros(3), torch.Generator().manual_seed(0)
    for _ in range(4):
        gradient = torch.randn(3, generator=generator)
        value -= 0.1 * ((0.9 * momentum + 0.1 * gradient).sign() + 0.5 * value)
        momentum = 0.99 * momentum + 0.01 * gradient
        weight.grad = gradient.clone()
        optimizer.step()
    assert torch.allclose(weight, value, atol=1e-6)


def test_rates_of_groups_are_shares_of_the_optimizers_rate() -> None:
    model = timm_classifier(num_classes=5, backbone="test_resnet", pretrained=None, drop_rate=0.0)
    grouped = partial(parameter_groups, layer_decay=0.5, decay_norms=False)
    for factory in (partial(optim.AdamW, lr=0.01, weight_decay=0.1), TORCH[1], ALL[len(TORCH)]):
        groups = make_optimizer(factory, grouped, model).param_groups
        lr = factory.keywords["lr"]
        assert sorted({group["lr"] for group in groups}) == pytest.approx(
            [lr * 0.5**below for below in range(5, -1, -1)]
        )
        assert not any("lr_scale" in group for group in groups)
        assert {group["weight_decay"] for group in groups} == {0.0, factory.keywords.get("weight_decay", 0.0)}
    assert len(make_optimizer(TORCH[0], None, model).param_groups) == 1


def test_what_timm_lacks_is_one_sentence() -> None:
    with pytest.raises(DataError, match="timm has no optimizer 'loin'; the nearest names are: .*lion"):
        make_optimizer(partial(timm_optimizer, optimizer="loin", lr=0.1), None, network())
    for name in ("kron", "kronw"):
        with pytest.raises(DataError, match=f"timm's {name} keeps a part of its state that it doesn't save"):
            make_optimizer(partial(timm_optimizer, optimizer=name, lr=0.1), None, network())
    with pytest.raises(DataError, match="timm's adahessian needs second derivatives"):
        make_optimizer(partial(timm_optimizer, optimizer="adahessian", lr=0.1), None, network())
    with pytest.raises(DataError, match="optimizer: timm_optimizer refuses what was declared .*'nesterov'"):
        make_optimizer(partial(timm_optimizer, optimizer="lion", lr=0.1, nesterov=True), None, network())
    with pytest.raises(DataError, match="parameters: parameter_groups refuses .*layer_decay is 2"):
        make_optimizer(TORCH[0], partial(parameter_groups, layer_decay=2, decay_norms=True), network())


@pytest.mark.parametrize("factory", TORCH, ids=lambda f: f.func.__name__)
def test_torchs_own_are_fused_where_they_can_be_and_go_where_they_would_go(factory) -> None:
    plain, quick = network(), network()
    made = make_optimizer(factory, None, quick)
    assert made.defaults.get("fused") or factory.func is not optim.AdamW
    steps(plain, factory(plain.parameters()), range(10))
    steps(quick, made, range(10))
    for name, values in plain.state_dict().items():
        torch.testing.assert_close(quick.state_dict()[name], values)


@pytest.mark.parametrize("form", [{"fused": False}, {"foreach": True}, {"differentiable": True}])
def test_a_declared_form_of_an_optimizer_stays(form) -> None:
    declared = partial(optim.AdamW, lr=0.01, **form)
    assert fused(declared) is declared


def test_sgd_takes_a_backbone_that_thaws_after_its_head() -> None:
    model = network()
    optimizer = make_optimizer(partial(optim.SGD, lr=0.1, momentum=0.9), None, model)
    model[0].requires_grad_(False)
    steps(model, optimizer, range(2))
    model[0].requires_grad_(True)
    before = model[0].weight.clone()
    steps(model, optimizer, range(2, 4))
    assert not torch.equal(model[0].weight, before)


def test_nothing_is_fused_under_a_gradient_scaler() -> None:
    adam = partial(optim.AdamW, lr=0.01)
    assert make_optimizer(adam, None, network()).defaults["fused"]
    assert not make_optimizer(adam, None, network(), "fp16").defaults["fused"]
