import math
from functools import partial

import pytest
import torch
from torch.nn import functional

from runners.criteria import effective_number, soft_targets
from runners.margin_losses import LDAM, ArcFace, cross_entropy_terms, ldam_margins

CLASSES, SCALE = 5, 30.0
COUNTS = torch.tensor([200, 50, 0, 10, 1000])
ALL = [
    LDAM(max_margin=0.5, class_counts=COUNTS, logit_scale=SCALE),
    LDAM(max_margin=0.5, class_counts=COUNTS, logit_scale=SCALE, class_weights=partial(effective_number, beta=0.99)),
    ArcFace(margin=0.5, logit_scale=SCALE),
]


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled cosines (24, C) over the whole range, and targets (24,)."""
    generator = torch.Generator().manual_seed(0)
    cosine = torch.rand(24, CLASSES, generator=generator, dtype=torch.float64) * 2 - 1
    return (cosine * SCALE).requires_grad_(), torch.randint(0, CLASSES, (24,), generator=generator)


def close(first: torch.Tensor, second: torch.Tensor) -> bool:
    return torch.allclose(first.double(), second.double(), atol=1e-5, rtol=1e-6)


def test_margins_fall_with_the_fourth_root_of_the_count() -> None:
    margins = ldam_margins(COUNTS, max_margin=0.5)
    assert margins[3] == margins[2] == 0.5, "the rarest class that has images, and one without"
    assert margins[0] / margins[4] == pytest.approx((1000 / 200) ** 0.25)
    assert margins[1] == pytest.approx(0.5 * (10 / 50) ** 0.25)


@pytest.mark.parametrize("weighted", [False, True])
def test_ldam_is_its_formula(batch, weighted: bool) -> None:
    """Cross entropy of scale * (cosine - the target's margin), weighted as torch weighs it."""
    logits, targets = batch
    margins = 0.5 * torch.tensor([(10 / n) ** 0.25 if n else 1.0 for n in COUNTS.tolist()])
    lowered = logits / SCALE - functional.one_hot(targets, CLASSES) * margins[targets, None]
    weights = effective_number(COUNTS, beta=0.99) if weighted else None
    expected = functional.cross_entropy(SCALE * lowered, targets, weight=None if weights is None else weights.double())
    assert close(ALL[1 if weighted else 0](logits, targets), expected)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_arcface_is_its_formula(batch, margin: float) -> None:
    """Cross entropy of scale * cos(angle + margin) at the target; past pi the cosine falls in a straight line."""
    logits, targets = batch
    rows = torch.arange(len(targets))
    angle = (logits / SCALE).acos()[rows, targets]
    past = angle + margin > math.pi
    at_target = torch.where(past, angle.cos() - margin * math.sin(margin), (angle + margin).cos())
    expected = functional.cross_entropy(logits.index_put((rows, targets), SCALE * at_target), targets)
    assert close(ArcFace(margin=margin, logit_scale=SCALE)(logits, targets), expected)
    assert past.any() or margin < 0.5, "the test needs an angle that the margin carries past pi"


def test_arcface_never_rewards_a_larger_angle() -> None:
    """The target's logit falls over the whole range of angles: cos(angle + margin) alone would rise again at pi."""
    cosine = torch.linspace(1, -1, 400)
    logits = torch.stack([cosine, torch.zeros(400)], 1) * SCALE
    losses = torch.stack([ArcFace(margin=0.5, logit_scale=SCALE)(row[None], torch.tensor([0])) for row in logits])
    assert (losses.diff() > 0).all()


def test_without_a_margin_both_are_cross_entropy(batch) -> None:
    logits, targets = batch
    expected = functional.cross_entropy(logits, targets)
    assert close(LDAM(max_margin=0.0, class_counts=COUNTS, logit_scale=SCALE)(logits, targets), expected)
    assert close(ArcFace(margin=0.0, logit_scale=SCALE)(logits, targets), expected)


@pytest.mark.parametrize("criterion", ALL, ids=["ldam", "ldam weighted", "arcface"])
def test_soft_targets_are_hard_ones_by_their_shares(batch, criterion) -> None:
    logits, targets = batch
    soft = soft_targets(targets, CLASSES).double()
    assert close(criterion(logits, targets), criterion(logits, soft))
    other = targets.flip(0)
    both = [(criterion(logits, some), criterion.batch_weight(some)) if hasattr(criterion, "batch_weight")
            else (criterion(logits, some), 24.0) for some in (targets, other)]  # fmt: skip
    shares = (0.7, 0.3)
    mixed = 0.7 * soft + 0.3 * soft_targets(other, CLASSES)
    expected = sum(share * loss * weight for share, (loss, weight) in zip(shares, both, strict=True)) / sum(
        share * weight for share, (_, weight) in zip(shares, both, strict=True)
    )
    assert close(criterion(logits, mixed), expected)


@pytest.mark.parametrize("criterion", ALL, ids=["ldam", "ldam weighted", "arcface"])
def test_gradients_are_finite_also_at_the_ends_of_the_cosine(criterion) -> None:
    logits = (torch.eye(CLASSES) * 2 - 1).mul(SCALE).requires_grad_()
    for targets in (torch.arange(CLASSES), torch.arange(CLASSES).flip(0)):
        (gradient,) = torch.autograd.grad(criterion(logits, targets), logits)
        assert torch.isfinite(gradient).all() and gradient.any()


def test_terms_are_exact_where_one_class_has_all_the_probability() -> None:
    """1 - p is lost in float32 there, and the margin needs it."""
    logits = torch.tensor([[30.0, -30.0, 0.0, 5.0], [2.0, 2.0, 1.0, -1.0]])
    shifted = logits - 20
    expected = torch.stack(
        [
            -torch.where(torch.eye(4, dtype=torch.bool), row_shifted, row).double().log_softmax(1).diagonal()
            for row, row_shifted in zip(logits, shifted, strict=True)
        ]
    )
    terms = cross_entropy_terms(logits, shifted)
    assert torch.allclose(terms.double(), expected, rtol=1e-5, atol=0)


def test_means_of_two_halves_put_together_by_their_weights_are_the_mean_of_the_whole(batch) -> None:
    logits, targets = batch
    criterion, halves = ALL[1], (slice(0, 10), slice(10, 24))
    total = sum(criterion(logits[half], targets[half]) * criterion.batch_weight(targets[half]) for half in halves)
    assert close(total / criterion.batch_weight(targets), criterion(logits, targets))


def test_a_margin_that_is_no_angle_is_refused() -> None:
    with pytest.raises(ValueError, match="margin is 28.6: radians from 0 to pi / 2"):
        ArcFace(margin=28.6, logit_scale=SCALE)
