from functools import partial
from pathlib import Path

import numpy as np
import pytest

from data.reading import read_data
from data.splits import PersonHoldout, PersonStratifiedKFold, check_split
from runners.fast import few_epochs, one_batch
from runners.models import timm_classifier


def test_an_epoch_for_each_criterion_is_trained(declare) -> None:
    fast = few_epochs(declare())  # switches from "ce" to "f1" at epoch 3
    assert (fast.epochs, fast.criterion_schedule) == (2, {1: {"ce": 1.0}, 2: {"f1": 1.0}})
    summed = few_epochs(declare(criterion={"ce": 1.0, "f1": 0.5}))
    assert (summed.epochs, summed.criterion) == (1, {"ce": 1.0, "f1": 0.5})
    plain = few_epochs(declare(criterion="ce"))
    assert (plain.epochs, plain.criterion) == (1, "ce")


@pytest.mark.parametrize(("frozen", "epochs", "expected"), [(2, 3, (2, 1)), (3, 3, (1, 1)), (0, 3, (1, 0))])
def test_a_frozen_backbone_is_tried_frozen_and_thawed(declare, frozen: int, epochs: int, expected) -> None:
    model = partial(timm_classifier, backbone="test_resnet", pretrained="hub", drop_rate=0.0)
    fast = few_epochs(declare(criterion="ce", model=model, freeze_epochs=frozen, epochs=epochs))
    assert (fast.epochs, fast.freeze_epochs) == expected


@pytest.mark.parametrize("split", [PersonStratifiedKFold(folds=3), PersonHoldout(valid_fraction=0.3)])
@pytest.mark.parametrize("batch_size", [1, 16, 64])
def test_few_whole_persons_of_every_fold_are_kept(competition: Path, split, batch_size: int) -> None:
    data = read_data(competition)
    folds = split.assign(data.train, seed=0)
    small, kept = one_batch(data, folds, batch_size)
    assert set(kept) == set(folds)
    check_split(small.train["person"], kept)
    assert (small.train["person"].value_counts() == 7).all(), "a person is kept with all images"
    assert len(small.test) == min(batch_size, len(data.test))
    train_images = len(kept) - np.bincount(kept[kept >= 0]).max()
    assert train_images <= max(batch_size, 7 * (len(set(folds)) - 1))


def test_samplers_skip_the_values_whose_persons_are_left_out(declare) -> None:
    """One batch has not every age: that is no mistake of the declaration."""
    from functools import partial

    from data.balanced_samplers import class_balanced
    from data.samplers import ShuffledSampler

    strict = partial(class_balanced, by="age", power=0.5, absent="refuse")
    fast = few_epochs(declare(sampler=strict)).sampler
    assert (fast.func, fast.keywords) == (class_balanced, {"by": "age", "power": 0.5, "absent": "skip"})
    assert strict.keywords["absent"] == "refuse"
    plain = partial(ShuffledSampler)
    assert few_epochs(declare(sampler=plain)).sampler is plain and few_epochs(declare()).sampler is None
