import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from data.balanced_samplers import oversampled
from data.errors import DataError
from data.mixing import Mixup
from data.reading import read_data
from data.transforms import resize
from runners.activations import one_vs_rest
from runners.criteria import CrossEntropy, FocalLoss
from runners.models import timm_classifier
from runners.one_vs_rest import OneVsRest
from runners.refusals import check_declaration
from runners.views import crop, hflip, identity, scaled

MIXUP = partial(Mixup, alpha=0.4, probability=1.0, partners="any")


def flattened(images: torch.Tensor) -> torch.Tensor:
    """A view that flattens the images: no network takes what it makes."""
    return images.flatten(1)


@pytest.fixture
def check(declare, competition: Path):
    """Checks a small declaration on the small competition; folds default to its split."""

    def run(folds: np.ndarray | None = None, **changes: object) -> None:
        experiment, data = declare(**changes), read_data(competition)
        if folds is None:
            folds = experiment.split().assign(data.train, seed=experiment.seed)
        check_declaration(experiment, data, folds)

    return run


def test_what_agrees_is_accepted(check) -> None:
    check()
    check(mix=MIXUP, sampler=partial(oversampled, by="gender", absent="refuse"))
    check(tta=(identity, hflip, partial(crop, share=0.8, top=0.5, left=0.5), partial(scaled, factor=1.5)))
    check(
        criteria={"ovr": partial(OneVsRest, positive_weights=None)}, criterion="ovr", activation=one_vs_rest, mix=MIXUP
    )


def test_a_sampler_with_an_empty_value_names_sampler_and_split(check, competition: Path) -> None:
    table = read_data(competition).train
    rare = int(table["age"].value_counts().idxmin())
    others = np.arange(len(table)) % 2 - 1  # validated by fold 1, or never
    folds = np.where(table["age"] == rare, 1, others)  # all of the rare age are validated by fold 2
    with pytest.raises(DataError, match=r"^sampler balances by age, and split leaves fold 2 no training image of"):
        check(folds, sampler=partial(oversampled, by="age", absent="refuse"))
    check(folds, sampler=partial(oversampled, by="age", absent="skip"))
    with pytest.raises(DataError, match="sampler: oversampled refuses what was declared .*missing .*'absent'"):
        check(sampler=partial(oversampled, by="age"))


@pytest.mark.parametrize("criterion", [nn.NLLLoss, nn.MultiMarginLoss])
def test_mixing_with_a_loss_of_hard_targets_names_both(check, criterion) -> None:
    """Refused before training; without mixing the loss is right."""
    criteria = {"hard": partial(criterion)}
    check(criteria=criteria, criterion="hard")
    sentence = (
        rf"mix is Mixup, which makes soft targets, and criteria\['hard'\] is {criterion.__name__}, which takes none"
    )
    with pytest.raises(DataError, match=sentence) as refused:
        check(criteria=criteria, criterion="hard", mix=MIXUP)
    assert "\n" not in str(refused.value)


def test_a_loss_that_gives_no_single_number_for_soft_targets_takes_none(check) -> None:
    criteria = {"each": partial(nn.CrossEntropyLoss, reduction="none")}
    with pytest.raises(DataError, match=r"criteria\['each'\] is CrossEntropyLoss, which takes none \(its loss is"):
        check(criteria=criteria, criterion="each", mix=MIXUP)


def test_mixing_values_are_checked_before_training(check) -> None:
    with pytest.raises(DataError, match="mix has alpha=-1"):
        check(mix=partial(Mixup, alpha=-1, probability=1.0, partners="any"))


def test_mixing_needs_a_second_image(declare) -> None:
    with pytest.raises(DataError, match="mix is declared and batch_size is 1"):
        declare(mix=MIXUP, batch_size=1)


@pytest.mark.parametrize(
    ("criteria", "activation", "sentence"),
    [
        (
            {"ovr": partial(OneVsRest)},
            None,
            "criteria['ovr'] is OneVsRest, which trains logits for one_vs_rest, and activation is softmax",
        ),
        (
            {"focal": partial(FocalLoss, gamma=2.0, class_weights=(1.0,) * 18)},
            one_vs_rest,
            "criteria['focal'] is FocalLoss, which trains logits for softmax, and activation is one_vs_rest",
        ),
        (
            {"ce": partial(CrossEntropy), "ovr": partial(OneVsRest)},
            one_vs_rest,
            "criteria['ce'] is CrossEntropy, which trains logits for softmax, and activation is one_vs_rest",
        ),
    ],
)
def test_binary_criteria_and_those_over_all_classes_are_not_confused(declare, criteria, activation, sentence) -> None:
    change = {} if activation is None else {"activation": activation}
    with pytest.raises(DataError, match=re.escape(sentence)):
        declare(criteria=criteria, criterion=next(iter(criteria)), **change)


def test_class_weights_of_a_binary_criterion_are_refused(declare) -> None:
    with pytest.raises(DataError, match=r"OneVsRest has no parameter 'class_weights'; it has positive_weights"):
        declare(
            criteria={"ovr": partial(OneVsRest, class_weights=(1.0,) * 18)}, criterion="ovr", activation=one_vs_rest
        )


def test_views_that_fail_are_named_before_training(check) -> None:
    with pytest.raises(DataError, match=r"tta\[1\] fails on images of 32x24: crop takes a share above 0, up to 1"):
        check(tta=(identity, partial(crop, share=2, top=0, left=0)))
    with pytest.raises(DataError, match=r"tta\[0\] fails on images of 32x24: it makes \(2, 2304\)"):
        check(tta=(flattened,))


def test_a_network_of_one_size_takes_no_scaled_views(check) -> None:
    vit = partial(timm_classifier, backbone="test_vit", pretrained=None, drop_rate=0.0)
    square = partial(resize, size=(160, 160))
    check(model=vit, valid_transform=square, tta=(identity, partial(crop, share=0.5, top=0, left=0)))
    with pytest.raises(DataError, match=r"tta\[1\] fails on images of 160x160: Input height \(200\)"):
        check(model=vit, valid_transform=square, tta=(identity, partial(scaled, factor=1.25)))
