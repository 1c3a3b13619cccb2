import pytest
import torch
from torch.nn import functional

from data.labels import encode
from runners.criteria import CrossEntropy
from runners.factor_criteria import FactorCrossEntropy
from runners.factor_models import joint_log_probabilities

NAMES = {"mask": 3, "gender": 2, "age": 3}


@pytest.fixture
def heads() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(7, values, generator=generator) for name, values in NAMES.items()}


@pytest.fixture
def parts() -> dict[str, torch.Tensor]:
    return {
        name: torch.randint(0, values, (7,), generator=torch.Generator().manual_seed(values + len(name)))
        for name, values in NAMES.items()
    }


def joint_targets(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.as_tensor(encode(*(part.numpy() for part in parts.values())))


@pytest.mark.parametrize("factors", [("mask",), ("gender",), ("age",), ("mask", "gender"), ("age", "mask")])
def test_the_loss_is_that_of_the_factors_own_heads(heads, parts, factors: tuple[str, ...]) -> None:
    logits = joint_log_probabilities(list(heads.values()))
    loss = FactorCrossEntropy(factors=factors)(logits, joint_targets(parts))
    expected = sum(functional.cross_entropy(heads[name], parts[name]).item() for name in factors)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_of_all_factors_it_is_cross_entropy_of_the_classes() -> None:
    """Also for logits that are no product of factors."""
    logits, targets = torch.randn(7, 18, generator=torch.Generator().manual_seed(1)), torch.arange(7)
    loss = FactorCrossEntropy(factors=("mask", "gender", "age"))(logits, targets)
    assert loss.item() == pytest.approx(CrossEntropy()(logits, targets).item(), rel=1e-6)


def test_soft_targets_are_summed_over_the_other_factors(heads) -> None:
    logits = joint_log_probabilities(list(heads.values()))
    soft = torch.rand(7, 18, generator=torch.Generator().manual_seed(2))
    soft /= soft.sum(1, keepdim=True)
    gender = soft.view(7, 3, 2, 3).sum((1, 3))  # (7, 2)
    expected = functional.cross_entropy(heads["gender"], gender).item()
    assert FactorCrossEntropy(factors=("gender",))(logits, soft).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("factors", [(), ("mask", "race"), ("age", "age")])
def test_unknown_factors_and_other_classes_are_refused(factors) -> None:
    with pytest.raises(ValueError, match="one or more of mask, gender, age would be right"):
        FactorCrossEntropy(factors=factors)
    with pytest.raises(ValueError, match="the logits are of 10$"):
        FactorCrossEntropy(factors=("mask",))(torch.zeros(1, 10), torch.tensor([0]))
