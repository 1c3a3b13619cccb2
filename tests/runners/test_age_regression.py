from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import logistic
from torch.nn import functional

from data.ages import AGE_BORDERS, age_shares, years_of_shares
from data.labels import encode
from runners.age_regression import AgeOutput, YearsError, age_regression, bucket_log_shares, predicted_years
from runners.criteria import CrossEntropy
from runners.factor_criteria import FactorCrossEntropy
from runners.parameter_groups import head_prefixes, parameter_groups

SPREAD = 3.0
TINY = {"num_classes": 18, "backbone": "test_resnet", "pretrained": None, "drop_rate": 0.0, "age_spread": SPREAD}
AGES = torch.tensor([-30.0, 18.0, 29.0, 30.0, 45.0, 59.0, 60.0, 75.0, 200.0])


@pytest.fixture
def numbers() -> torch.Tensor:
    """What a head puts out for seven images: (7, 6)."""
    return torch.randn(7, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("spread", [1.0, 3.0, 8.0])
def test_log_shares_of_buckets_are_the_logistic_distribution_and_finite_far_away(spread: float) -> None:
    log_shares = bucket_log_shares(AGES, spread)
    below = logistic.cdf(AGE_BORDERS, loc=AGES.numpy()[:, None], scale=spread)
    expected = np.stack([below[:, 0], below[:, 1] - below[:, 0], 1 - below[:, 1]], axis=1)
    np.testing.assert_allclose(log_shares.exp().numpy(), expected, atol=1e-6)
    assert log_shares.isfinite().all()


@pytest.mark.parametrize("spread", [1.0, 3.0, 8.0])
def test_the_age_comes_back_from_the_classes_and_its_gradient_is_one(numbers, spread: float) -> None:
    age = ((AGES - 39) / spread).requires_grad_()  # as the network learns it, in spreads from 39 years
    others = numbers.repeat(2, 1)[: len(AGES), :5]
    years = predicted_years(AgeOutput(spread)(torch.cat([others, age[:, None]], 1)), spread)
    assert torch.allclose(years, AGES, atol=1e-3)
    years.sum().backward()
    assert torch.allclose(age.grad, torch.full_like(age, spread), rtol=1e-4)


def test_classes_are_mask_times_gender_times_bucket(numbers) -> None:
    joint = AgeOutput(SPREAD)(numbers).exp()
    mask, gender = numbers[:, :3].softmax(1), numbers[:, 3:5].softmax(1)
    bucket = bucket_log_shares(39 + SPREAD * numbers[:, 5], SPREAD).exp()
    for m in range(3):
        for g in range(2):
            for a in range(3):
                assert torch.allclose(joint[:, int(encode(m, g, a))], mask[:, m] * gender[:, g] * bucket[:, a])


LOSSES = [functional.mse_loss, functional.l1_loss, partial(functional.huber_loss, delta=5.0)]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_torchs_own_of_the_years(numbers, loss) -> None:
    years = torch.tensor([18.0, 25, 33, 47, 59, 60, 60])
    logits = AgeOutput(SPREAD)(numbers)
    expected = loss(39 + SPREAD * numbers[:, 5], years)
    assert YearsError(loss=loss, age_spread=SPREAD)(logits, years).item() == pytest.approx(expected.item(), rel=1e-5)


def test_an_unknown_age_adds_nothing_to_loss_or_gradient(numbers) -> None:
    years = torch.tensor([18.0, torch.nan, 33, 47, torch.nan, 60, 60])
    numbers.requires_grad_()
    loss = YearsError(loss=functional.mse_loss, age_spread=SPREAD)(AgeOutput(SPREAD)(numbers), years)
    loss.backward()
    known = ~years.isnan()
    errors = (39 + SPREAD * numbers[known, 5] - years[known]).detach()
    assert loss.item() == pytest.approx((errors**2).sum().item() / 7, rel=1e-5)
    assert torch.allclose(numbers.grad[known, 5], 2 * SPREAD * errors / 7, rtol=1e-4)
    assert not numbers.grad[~known].any() and numbers.grad[:, :5].abs().max() < 1e-2, "mask and gender learn no age"


def test_probabilities_give_the_same_age(numbers) -> None:
    logits = AgeOutput(SPREAD)(numbers)
    written = logits.softmax(1).numpy()
    expected = predicted_years(logits, SPREAD).numpy()
    np.testing.assert_allclose(years_of_shares(age_shares(written), SPREAD), expected, atol=1e-4)


def test_the_network_is_a_classifier_like_any_other() -> None:
    model = age_regression(**TINY)
    images = torch.randint(0, 256, (4, 32, 24, 3), dtype=torch.uint8)
    logits, targets = model(images), torch.tensor([0, 5, 10, 17])
    assert logits.shape == (4, 18)
    assert torch.allclose(logits.exp().sum(1), torch.ones(4), atol=1e-5)
    CrossEntropy()(logits, targets).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert "backbone.fc." in head_prefixes(model), "its head can be told from its backbone, to freeze or decay it"
    assert len(parameter_groups(model, layer_decay=0.5, decay_norms=True)) > 2


def test_an_age_keeps_its_digits_in_half_precision() -> None:
    model = age_regression(**TINY).eval()
    images = torch.randint(0, 256, (4, 32, 24, 3), dtype=torch.uint8)
    with torch.no_grad():
        whole = predicted_years(model(images), SPREAD)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(images)
            half = predicted_years(logits, SPREAD)
    assert logits.dtype == half.dtype == torch.float32 and torch.allclose(half, whole, atol=0.5)


def test_a_sum_teaches_mask_gender_and_age(numbers) -> None:
    """A few steps bring down both parts: neither is deaf to the network."""
    torch.manual_seed(0)
    model = age_regression(**TINY)
    images = torch.randint(0, 256, (8, 32, 24, 3), dtype=torch.uint8)
    years = torch.tensor([18.0, 25, 33, 47, 59, 60, 60, 21])
    mask, gender = np.arange(8) % 3, np.arange(8) % 2
    targets = torch.as_tensor(encode(mask, gender, np.digitize(years.numpy(), (30, 60))))
    factors, error = FactorCrossEntropy(factors=("mask", "gender")), YearsError(loss=functional.mse_loss, age_spread=3)
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=1e-2), []
    for _ in range(15):
        logits = model(images)
        parts = factors(logits, targets), error(logits, years)
        losses.append([part.item() for part in parts])
        optimizer.zero_grad()
        (parts[0] + 0.01 * parts[1]).backward()
        optimizer.step()
    assert all(last < 0.5 * first for first, last in zip(losses[0], losses[-1], strict=True))


def test_other_classes_and_a_spread_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="ages are those of the mask competition's 18 classes; the data has 10"):
        age_regression(**(TINY | {"num_classes": 10}))
    with pytest.raises(ValueError, match="age_spread is 0: years above 0"):
        age_regression(**(TINY | {"age_spread": 0}))
