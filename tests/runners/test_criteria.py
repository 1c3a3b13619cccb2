import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional

from runners.criteria import (
    CrossEntropy,
    FocalLoss,
    LabelSmoothing,
    SoftF1,
    SymmetricCrossEntropy,
    effective_number,
    inverse_frequency,
    soft_targets,
)

CLASSES = 5
WEIGHTS = (0.5, 2.0, 1.0, 0.0, 3.0)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(24, CLASSES, generator=generator, dtype=torch.float64) * 3
    return logits.requires_grad_(), torch.randint(0, CLASSES, (24,), generator=generator)


def close(first: torch.Tensor, second: torch.Tensor) -> bool:
    return torch.allclose(first, second, atol=1e-6)


ALL = [
    CrossEntropy(),
    CrossEntropy(class_weights=WEIGHTS),
    LabelSmoothing(smoothing=0.1),
    FocalLoss(gamma=2.0),
    FocalLoss(gamma=2.0, class_weights=WEIGHTS),
    SoftF1(),
    SymmetricCrossEntropy(alpha=0.5, beta=1.0, log_zero=-4.0),
]


@pytest.mark.parametrize("criterion", ALL, ids=lambda c: type(c).__name__)
def test_one_hot_soft_targets_are_hard_targets(batch, criterion) -> None:
    logits, targets = batch
    soft = functional.one_hot(targets, CLASSES).double()
    assert close(criterion(logits, targets), criterion(logits, soft))
    assert torch.equal(soft_targets(soft, CLASSES), soft)


@pytest.mark.parametrize("criterion", ALL, ids=lambda c: type(c).__name__)
def test_gradients_are_finite_also_where_the_network_is_sure(criterion) -> None:
    logits = (torch.eye(CLASSES) * 200).requires_grad_()
    for targets in (torch.arange(CLASSES), torch.arange(CLASSES).flip(0)):
        (gradient,) = torch.autograd.grad(criterion(logits, targets), logits)
        assert torch.isfinite(gradient).all()


def test_cross_entropy_is_torchs(batch) -> None:
    logits, targets = batch
    assert close(CrossEntropy()(logits, targets), functional.cross_entropy(logits, targets))
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    ours, theirs = CrossEntropy(class_weights=WEIGHTS), functional.cross_entropy(logits, targets, weight=weights)
    assert close(ours(logits, targets), theirs)
    mixed = functional.one_hot(targets, CLASSES) * 0.7 + functional.one_hot(targets.flip(0), CLASSES) * 0.3
    assert close(CrossEntropy()(logits, mixed), functional.cross_entropy(logits, mixed.double()))


def test_focal_with_gamma_0_is_cross_entropy(batch) -> None:
    logits, targets = batch
    assert close(FocalLoss(gamma=0.0)(logits, targets), functional.cross_entropy(logits, targets))
    assert close(
        FocalLoss(gamma=0.0, class_weights=WEIGHTS)(logits, targets),
        CrossEntropy(class_weights=WEIGHTS)(logits, targets),
    )


def test_focal_is_its_formula_not_catalysts(batch) -> None:
    logits, targets = batch
    p = logits.softmax(1)[torch.arange(len(targets)), targets]
    formula = (-((1 - p) ** 2) * p.log()).mean()
    assert close(FocalLoss(gamma=2.0)(logits, targets), formula)
    from catalyst.contrib.losses import FocalLossMultiClass

    assert abs(float(FocalLossMultiClass(gamma=2.0, reduction="mean")(logits, targets)) - formula.item()) > 0.1


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_is_torchs_and_is_applied_once(batch, smoothing: float) -> None:
    logits, targets = batch
    expected = functional.cross_entropy(logits, targets, label_smoothing=smoothing)
    assert close(LabelSmoothing(smoothing=smoothing)(logits, targets), expected)


def test_soft_f1_of_sure_decisions_is_one_minus_scikit_learns_macro_f1() -> None:
    generator = torch.Generator().manual_seed(1)
    decisions, targets = (torch.randint(0, CLASSES, (200,), generator=generator) for _ in range(2))
    logits = functional.one_hot(decisions, CLASSES).double() * 1e3
    assert SoftF1()(logits, targets).item() == pytest.approx(
        1 - f1_score(targets, decisions, average="macro"), abs=1e-9
    )


def test_soft_f1_leaves_out_classes_that_the_batch_lacks() -> None:
    logits = functional.one_hot(torch.tensor([0, 1]), CLASSES).double() * 1e3
    assert SoftF1()(logits, torch.tensor([0, 1])).item() == pytest.approx(0.0, abs=1e-9)


def test_inverse_frequency_weighs_1_on_average_and_absent_classes_1() -> None:
    counts = torch.tensor([10, 30, 0, 60])
    weights = inverse_frequency(counts)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1.0)
    assert weights[2] == 1 and weights[0] / weights[1] == pytest.approx(3.0)
    criterion = CrossEntropy(class_weights=inverse_frequency, class_counts=counts)
    assert torch.equal(criterion.weights, weights)
    with pytest.raises(ValueError, match="class counts"):
        CrossEntropy(class_weights=inverse_frequency)


def test_effective_number_is_its_formula_and_sums_to_the_classes_with_images() -> None:
    counts = torch.tensor([10, 300, 0, 2745])
    present = counts[counts > 0].double()
    expected = (1 - 0.99) / (1 - 0.99**present)
    weights = effective_number(counts, beta=0.99)
    assert close(weights[counts > 0].double(), expected / expected.sum() * 3) and weights[2] == 1
    assert weights[1] / weights[3] < 1.06, "beyond 1 / (1 - beta) images, more of them make no difference"


def test_effective_number_lies_between_no_weights_and_the_inverse_frequency() -> None:
    counts = torch.tensor([10, 30, 60])
    assert close(effective_number(counts, beta=0.0), torch.ones(3))
    near_one, inverse = effective_number(counts, beta=1 - 1e-9), inverse_frequency(counts)
    assert close(near_one / near_one[0], inverse / inverse[0])
    for beta in (1.0, -0.1):
        with pytest.raises(ValueError, match="from 0 to below 1"):
            effective_number(counts, beta=beta)


@pytest.mark.parametrize(("alpha", "beta", "log_zero"), [(0.1, 1.0, -4.0), (1.0, 0.5, -9.2), (1.0, 0.0, -4.0)])
def test_symmetric_cross_entropy_is_its_formula(batch, alpha: float, beta: float, log_zero: float) -> None:
    """For a hard target the reverse part is -A * (1 - p of the target), the paper's equation 7."""
    logits, targets = batch
    p = logits.softmax(1)[torch.arange(len(targets)), targets]
    formula = (-alpha * p.log() - beta * log_zero * (1 - p)).mean()
    criterion = SymmetricCrossEntropy(alpha=alpha, beta=beta, log_zero=log_zero)
    assert close(criterion(logits, targets), formula)


def test_symmetric_cross_entropy_of_soft_targets_takes_the_logarithm_of_their_shares(batch) -> None:
    logits, q = batch[0], torch.full((24, CLASSES), 1 / CLASSES, dtype=torch.float64)
    criterion = SymmetricCrossEntropy(alpha=0.0, beta=1.0, log_zero=-4.0)
    assert float(criterion(logits, q)) == pytest.approx(torch.tensor(CLASSES).log().item(), abs=1e-6)
    with pytest.raises(ValueError, match="log_zero is 0.0: a number below 0"):
        SymmetricCrossEntropy(alpha=1.0, beta=1.0, log_zero=0.0)


@pytest.mark.parametrize("soft", [False, True])
def test_the_weight_of_a_batch_is_what_its_mean_is_divided_by(batch, soft: bool) -> None:
    """Means of two halves, put together by their weights, are the mean of the whole."""
    logits, targets = batch
    targets = (
        soft_targets(targets, CLASSES).double().roll(1, 0) * 0.3 + soft_targets(targets, CLASSES) * 0.7
        if soft
        else targets
    )
    for criterion in (CrossEntropy(class_weights=WEIGHTS), FocalLoss(gamma=2.0, class_weights=WEIGHTS), CrossEntropy()):
        halves = [(logits[:10], targets[:10]), (logits[10:], targets[10:])]
        total = sum(criterion(*half) * criterion.batch_weight(half[1]) for half in halves)
        assert torch.isclose(total / criterion.batch_weight(targets), criterion(logits, targets), rtol=1e-6)


def test_a_batch_whose_classes_all_weigh_nothing_is_no_nan(batch) -> None:
    logits, targets = batch[0], torch.full((24,), 3)  # class 3 weighs 0
    criterion = CrossEntropy(class_weights=WEIGHTS)
    loss = criterion(logits, targets)
    loss.backward()
    assert loss == 0 and criterion.batch_weight(targets) == 0 and not logits.grad.any()
