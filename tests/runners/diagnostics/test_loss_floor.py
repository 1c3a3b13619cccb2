from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from data.datasets import Batch
from runners.compute import Compute
from runners.cosine_head import cosine_classifier
from runners.criteria import CrossEntropy, FocalLoss, LabelSmoothing, SoftF1
from runners.diagnostics.loss_floor import loss_floor
from runners.factor_models import factor_heads, factor_networks
from runners.first_fold import first_fold

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
SMOOTH = {"ce": partial(LabelSmoothing, smoothing=0.1)}
TARGETS = torch.tensor([0, 17, 5, 5])
FACTORS = {"factors": (3, 2, 3), "backbone": "test_resnet", "pretrained": None, "drop_rate": 0.0}


def entropy(*shares: float) -> float:
    return float(-sum(share * np.log(share) for share in shares))


@pytest.fixture
def floor(declare, competition: Path):
    def find(targets: torch.Tensor = TARGETS, **changes: object) -> tuple[float, float]:
        fold = first_fold(declare(**({"criterion": "ce"} | changes)), competition, CPU)
        batch: Batch = {"features": torch.zeros(len(targets), 32, 24, 3), "targets": targets}
        return loss_floor(fold, batch)

    return find


@pytest.mark.parametrize(
    ("criterion", "least", "guess"),
    [
        (CrossEntropy, 0.0, np.log(18)),
        (partial(FocalLoss, gamma=2.0), 0.0, np.log(18) * (17 / 18) ** 2),
        (SoftF1, 0.0, 1 - np.mean([2 / (4 + 18), 2 / (4 + 18), 4 / (4 + 36)])),
        (SMOOTH["ce"], entropy(0.9 + 0.1 / 18, *[0.1 / 18] * 17), np.log(18)),
    ],
    ids=["cross entropy", "focal", "soft F1", "smoothed"],
)
def test_least_and_guess_are_those_of_the_formula(floor, criterion, least: float, guess: float) -> None:
    made = criterion if isinstance(criterion, partial) else partial(criterion)
    found = floor(criteria={"ce": made})
    assert found[0] == pytest.approx(least, abs=0.01) and found[0] >= least - 1e-6
    assert found[1] == pytest.approx(guess, rel=1e-5)


def test_of_soft_targets_the_least_is_their_entropy(floor) -> None:
    soft = torch.zeros(2, 18)
    soft[:, 3], soft[:, 4] = torch.tensor([0.3, 0.5]), torch.tensor([0.7, 0.5])
    assert floor(soft)[0] == pytest.approx((entropy(0.3, 0.7) + entropy(0.5, 0.5)) / 2, abs=0.01)


def test_of_a_sum_it_is_the_sums(floor) -> None:
    both = {"smooth": SMOOTH["ce"], "ce": partial(CrossEntropy)}
    # the best compromise is itself a smoothing, by 0.1 * 2 / (2 + 1)
    shares = [1 - 0.1 * 2 / 3 * 17 / 18, *[0.1 * 2 / 3 / 18] * 17]
    least, guess = floor(criteria=both, criterion={"smooth": 2.0, "ce": 1.0})
    assert least == pytest.approx(3 * entropy(*shares), abs=0.02) and guess == pytest.approx(3 * np.log(18), rel=1e-5)


@pytest.mark.parametrize("make", [factor_heads, factor_networks])
def test_factors_can_not_smooth_as_classes_can(floor, make) -> None:
    """The nearest product has the smoothed targets' own marginals."""
    three, two = [0.9 + 0.1 / 3, *[0.1 / 3] * 2], [0.95, 0.05]
    least, guess = floor(criteria=SMOOTH, model=partial(make, **FACTORS))
    assert least == pytest.approx(2 * entropy(*three) + entropy(*two), abs=0.01)
    assert guess == pytest.approx(np.log(18), rel=1e-5)


def test_cosines_reach_no_further_than_their_scale(floor) -> None:
    model = partial(cosine_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0, logit_scale=2.0)
    furthest = -np.log(np.exp(2.0) / (np.exp(2.0) + 17 * np.exp(-2.0)))
    assert floor(model=model)[0] == pytest.approx(furthest, abs=0.01)
