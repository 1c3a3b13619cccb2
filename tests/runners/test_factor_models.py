import pytest
import torch
from torch.nn import functional

from data.labels import encode
from runners.criteria import CrossEntropy
from runners.factor_models import factor_heads, factor_networks, joint_log_probabilities

FACTORS = (3, 2, 3)
TINY = {"num_classes": 18, "factors": FACTORS, "backbone": "test_resnet", "pretrained": None, "drop_rate": 0.0}


@pytest.fixture
def logits() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(7, values, generator=generator, dtype=torch.float64) for values in FACTORS]


def test_a_class_is_as_probable_as_its_factors_together(logits) -> None:
    joint = joint_log_probabilities(logits).exp()
    assert torch.allclose(joint.sum(1), torch.ones(7, dtype=torch.float64))
    mask, gender, age = (one.softmax(1) for one in logits)
    for m in range(3):
        for g in range(2):
            for a in range(3):
                assert torch.allclose(joint[:, int(encode(m, g, a))], mask[:, m] * gender[:, g] * age[:, a])


def test_cross_entropy_of_the_classes_is_the_sum_of_the_factors(logits) -> None:
    parts = [torch.randint(0, values, (7,), generator=torch.Generator().manual_seed(values)) for values in FACTORS]
    targets = torch.as_tensor(encode(*(part.numpy() for part in parts)))
    joint = CrossEntropy()(joint_log_probabilities(logits), targets)
    alone = [functional.cross_entropy(one, part).item() for one, part in zip(logits, parts, strict=True)]
    assert joint.item() == pytest.approx(sum(alone))


def test_one_network_or_three_give_logits_of_all_classes() -> None:
    images = torch.randint(0, 256, (2, 32, 24, 3), dtype=torch.uint8)
    one, three = factor_heads(**TINY), factor_networks(**TINY)
    assert one(images).shape == three(images).shape == (2, 18)
    assert sum(p.numel() for p in three.parameters()) > 2.5 * sum(p.numel() for p in one.parameters())


def test_networks_of_their_own_do_not_disturb_each_other() -> None:
    """The gradient of a factor's network is that of its own cross entropy, whatever the others predict."""
    images = torch.randint(0, 256, (4, 32, 24, 3), dtype=torch.uint8)
    model, gender = factor_networks(**TINY), torch.tensor([0, 1, 1, 0])
    CrossEntropy()(model(images), torch.as_tensor(encode(0, gender.numpy(), 2))).backward()
    joint = [p.grad.clone() for p in model.networks[1].parameters()]
    model.zero_grad()
    functional.cross_entropy(model.networks[1](images), gender).backward()
    for ours, alone in zip(joint, model.networks[1].parameters(), strict=True):
        assert torch.allclose(ours, alone.grad, atol=1e-5)


@pytest.mark.parametrize("build", [factor_heads, factor_networks])
def test_factors_that_do_not_make_the_classes_are_refused(build) -> None:
    with pytest.raises(ValueError, match=r"factors \(3, 2, 3\) make 18 classes; the data has 10"):
        build(**(TINY | {"num_classes": 10}))
