from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from data.errors import DataError
from data.mixing import CutMix, HalfFaceCutMix, Mixup, draw_partners

CLASSES = 5
ALL = [
    Mixup(alpha=0.4, probability=1.0, partners="any"),
    CutMix(alpha=1.0, probability=1.0, partners="any"),
    HalfFaceCutMix(probability=1.0, partners="any"),
]


def batch(images: int = 12, size: tuple[int, int] = (9, 7)) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of one value each, the image's number, so that every pixel says whose it is."""
    values = torch.arange(images, dtype=torch.uint8)[:, None, None, None].expand(images, *size, 3).contiguous()
    return values, functional.one_hot(torch.arange(images) % CLASSES, CLASSES).float()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mixup_is_its_formula() -> None:
    images, targets = batch()
    mixed, soft = ALL[0](images, targets, rng())
    draws = rng()
    partner = draws.permutation(12)
    draws.random(12)
    share = torch.from_numpy(draws.beta(0.4, 0.4, 12)).float()
    expected = share[:, None, None, None] * images + (1 - share)[:, None, None, None] * images[partner]
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(soft, share[:, None] * targets + (1 - share)[:, None] * targets[partner])


def test_mixed_targets_are_timms() -> None:
    from timm.data.mixup import mixup_target

    images, targets = batch(2)  # two images: timm's partner is the batch turned round
    seed = next(seed for seed in range(9) if rng(seed).permutation(2).tolist() == [1, 0])
    mixed, soft = ALL[0](images, targets, rng(seed))
    for image in range(2):
        share = 1 - abs(float(mixed[image, 0, 0, 0]) - image)
        theirs = mixup_target(torch.arange(2), CLASSES, share, smoothing=0.0)
        torch.testing.assert_close(soft[image], theirs[image], atol=1e-5, rtol=0)


@pytest.mark.parametrize("mix", ALL[1:], ids=lambda mix: type(mix).__name__)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 11), width=st.integers(1, 11))
def test_targets_are_the_shares_of_the_pixels_shown(mix, seed: int, height: int, width: int) -> None:
    images, targets = batch(6, (height, width))
    mixed, soft = mix(images, targets, rng(seed))
    assert mixed.dtype == torch.uint8 and mixed.shape == images.shape
    for image in range(6):
        owners = Counter(mixed[image, :, :, 0].flatten().tolist())
        expected = sum(targets[owner] * count for owner, count in owners.items()) / (height * width)
        torch.testing.assert_close(soft[image], expected, atol=1e-6, rtol=0)
        assert len(owners) <= 2


def test_cutmix_pastes_boxes_of_yuns_area() -> None:
    """bbx1 = clip(cx - w * sqrt(1 - lam) // 2, 0, w) and so on, as in the authors' code."""
    images, targets = batch(16, (40, 30))
    mixed, _ = ALL[1](images, targets, rng(3))
    draws = rng(3)
    partner = draws.permutation(16)
    draws.random(16)
    cut = np.sqrt(1 - draws.beta(1.0, 1.0, 16))
    y, x = draws.integers(40, size=16), draws.integers(30, size=16)
    for image in range(16):
        tall, wide = int(40 * cut[image]) // 2, int(30 * cut[image]) // 2
        expected = images[image].clone()
        box = slice(max(y[image] - tall, 0), y[image] + tall), slice(max(x[image] - wide, 0), x[image] + wide)
        expected[box] = images[partner[image]][box]
        assert torch.equal(mixed[image], expected)


def test_cutmix_areas_are_those_of_the_beta_distribution() -> None:
    """Whole boxes take 1 - E[lambda] = 1/2 for alpha 1 on average, those at the border less."""
    images, targets = batch(20, (64, 64))
    shares = [1 - ALL[1](images, targets, rng(seed))[1].max(1).values for seed in range(100)]
    assert 0.2 < torch.cat(shares).mean() < 0.4


def test_half_faces_keep_their_place() -> None:
    images, targets = batch(30, (4, 7))
    mixed, soft = ALL[2](images, targets, rng())
    columns = mixed[:, 0, :, 0]  # (B, W)
    left, right = columns[:, :3], columns[:, 3:]
    assert (left == left[:, :1]).all() and (right == right[:, :1]).all()
    own = torch.arange(30)
    kept_left, kept_right = left[:, 0] == own, right[:, 0] == own
    assert (kept_left | kept_right).all() and kept_left.any() and kept_right.any()
    halves = kept_left & ~kept_right
    torch.testing.assert_close(
        soft[halves], (targets[left[halves, 0].long()] * 3 + targets[right[halves, 0].long()] * 4) / 7
    )


@pytest.mark.parametrize("mix", ALL, ids=lambda mix: type(mix).__name__)
def test_the_generator_alone_decides(mix) -> None:
    images, targets = batch()
    first, second, other = (mix(images, targets, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])
    torch.testing.assert_close(first[1].sum(1), torch.ones(12))


@pytest.mark.parametrize("kind", [Mixup, CutMix, HalfFaceCutMix])
def test_that_share_of_the_images_is_mixed_the_others_are_themselves(kind) -> None:
    alpha = {} if kind is HalfFaceCutMix else {"alpha": 1.0}
    images, targets = batch(400, (16, 16))
    images = images.long().float() if kind is Mixup else images
    mixed, soft = kind(probability=0.3, partners="other", **alpha)(images, targets, rng())
    touched = (soft != targets).any(1)
    assert 0.2 < touched.float().mean() < 0.4  # 0.3 +- 4 sd, less the boxes outside
    assert torch.equal(mixed[~touched].float(), images[~touched].float())


@given(classes=st.lists(st.integers(0, 3), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_partners_are_of_the_same_class_or_of_another(classes: list[int], seed: int) -> None:
    labels = np.array(classes)
    own = np.arange(len(labels))
    assert sorted(draw_partners(labels, "any", rng(seed))) == own.tolist()
    same, other = (draw_partners(labels, partners, rng(seed)) for partners in ("same", "other"))
    assert (labels[same] == labels).all()
    alone = (labels[:, None] == labels).sum(1) == 1
    np.testing.assert_array_equal(same == own, alone)
    np.testing.assert_array_equal(other == own, (labels == labels[0]).all())
    assert ((labels[other] != labels) | (other == own)).all()


def test_every_other_image_may_be_the_partner() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    drawn = {partner for seed in range(60) for partner in draw_partners(labels, "same", rng(seed))[:1]}
    assert drawn == {1, 2}
    assert {int(draw_partners(labels, "other", rng(seed))[0]) for seed in range(60)} == {3, 4}


def test_within_a_class_targets_stay_hard() -> None:
    images, targets = batch(20)
    for kind, alpha in ((Mixup, {"alpha": 1.0}), (CutMix, {"alpha": 1.0}), (HalfFaceCutMix, {})):
        mixed, soft = kind(probability=1.0, partners="same", **alpha)(images, targets, rng())
        torch.testing.assert_close(soft, targets)
        assert not torch.equal(mixed.float(), images.float())


def test_soft_targets_are_mixed_as_they_are() -> None:
    images, _ = batch(8)
    targets = torch.rand(8, CLASSES, generator=torch.Generator().manual_seed(0)).softmax(1)
    _, soft = ALL[0](images, targets, rng())
    draws = rng()
    partner = draws.permutation(8)
    assert not torch.allclose(soft, targets)
    draws.random(8)
    share = torch.from_numpy(draws.beta(0.4, 0.4, 8)).float()[:, None]
    torch.testing.assert_close(soft, share * targets + (1 - share) * targets[partner])


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"alpha": 0.0}, "mix has alpha=0.0: a number above 0"),
        ({"alpha": float("inf")}, "mix has alpha=inf"),
        ({"probability": 0.0}, "mix has probability=0.0: a number above 0, up to 1"),
        ({"partners": "neighbour"}, 'mix has partners=\'neighbour\': "any", "same" or "other"'),
    ],
)
def test_what_cannot_be_mixed_is_one_sentence(declared, sentence: str) -> None:
    fields = {"alpha": 1.0, "probability": 1.0, "partners": "any"} | declared
    with pytest.raises(DataError, match=sentence):
        CutMix(**fields)
