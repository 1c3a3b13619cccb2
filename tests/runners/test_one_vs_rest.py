import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from torch.nn import functional

from runners.activations import one_vs_rest, softmax
from runners.one_vs_rest import OneVsRest, negatives_per_positive

CLASSES = 4
WEIGHTS = (0.5, 2.0, 1.0, 6.0)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(24, CLASSES, generator=generator, dtype=torch.float64) * 3
    return logits.requires_grad_(), torch.randint(0, CLASSES, (24,), generator=generator)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_it_is_torchs_binary_cross_entropy_of_each_class(batch, weights) -> None:
    logits, targets = batch
    pos_weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    each = [
        functional.binary_cross_entropy_with_logits(
            logits[:, c], (targets == c).double(), pos_weight=None if weights is None else pos_weight[c]
        )
        for c in range(CLASSES)
    ]
    ours = OneVsRest(positive_weights=weights)(logits, targets)
    assert ours.item() == pytest.approx(sum(each).item(), abs=1e-9)


def test_one_hot_soft_targets_are_hard_targets_and_shares_are_probabilities(batch) -> None:
    logits, targets = batch
    criterion, soft = OneVsRest(positive_weights=WEIGHTS), functional.one_hot(targets, CLASSES).double()
    assert torch.isclose(criterion(logits, targets), criterion(logits, soft))
    mixed = 0.7 * soft + 0.3 * soft.flip(0)
    plain = OneVsRest(positive_weights=None)(logits, mixed)
    expected = -(mixed * logits.sigmoid().log() + (1 - mixed) * (1 - logits.sigmoid()).log()).sum(1).mean()
    assert plain.item() == pytest.approx(expected.item(), abs=1e-9)


def test_no_classifier_depends_on_another(batch) -> None:
    logits, targets = batch
    (gradient,) = torch.autograd.grad(OneVsRest()(logits, targets), logits)
    changed = logits.detach().clone()
    changed[:, 1:] = 0
    (other,) = torch.autograd.grad(OneVsRest()(changed.requires_grad_(), targets), changed)
    assert torch.equal(gradient[:, 0], other[:, 0]) and not torch.equal(gradient[:, 1], other[:, 1])


def test_gradients_are_finite_where_the_classifiers_are_sure() -> None:
    logits = (torch.eye(CLASSES) * 400 - 200).requires_grad_()
    for targets in (torch.arange(CLASSES), torch.arange(CLASSES).flip(0)):
        (gradient,) = torch.autograd.grad(OneVsRest(positive_weights=WEIGHTS)(logits, targets), logits)
        assert torch.isfinite(gradient).all()


def test_probabilities_are_combined_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    points, targets = rng.normal(size=(120, 6)), rng.integers(CLASSES, size=120)
    fitted = OneVsRestClassifier(LogisticRegression()).fit(points, targets)
    logits = torch.from_numpy(np.stack([one.decision_function(points) for one in fitted.estimators_], 1))
    np.testing.assert_allclose(one_vs_rest(logits).numpy(), fitted.predict_proba(points), atol=1e-6)
    assert not np.allclose(softmax(logits).numpy(), fitted.predict_proba(points), atol=1e-2)


def test_probabilities_sum_to_1_where_every_classifier_says_no_and_keep_the_decision() -> None:
    logits = torch.tensor([[-800.0, -801.0, -900.0], [300.0, 200.0, 299.0]])
    probabilities = one_vs_rest(logits)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2))
    torch.testing.assert_close(probabilities[0, 0] / probabilities[0, 1], torch.tensor(np.e, dtype=torch.float32))
    many = torch.randn(200, 18, generator=torch.Generator().manual_seed(0)) * 3
    for activation in (softmax, one_vs_rest):
        assert torch.equal(activation(many).argmax(1), many.argmax(1)), "the F1 of the epochs counts logits"


def test_positive_weights_of_the_counts_balance_each_question() -> None:
    counts = torch.tensor([10, 30, 0, 60])
    weights = negatives_per_positive(counts)
    assert weights.tolist() == [9.0, pytest.approx(70 / 30), 1.0, pytest.approx(40 / 60)]
    criterion = OneVsRest(positive_weights=negatives_per_positive, class_counts=counts)
    assert torch.equal(criterion.weights, weights)
    with pytest.raises(ValueError, match="class counts"):
        OneVsRest(positive_weights=negatives_per_positive)
