from pathlib import Path

import numpy as np
import pytest

from data.reading import read_data
from data.splits import PersonHoldout, PersonStratifiedKFold, check_split
from runners.fast import few_epochs, one_batch


def test_an_epoch_for_each_criterion_is_trained(declare) -> None:
    fast = few_epochs(declare())  # switches from "ce" to "f1" at epoch 3
    assert (fast.epochs, fast.criterion_schedule) == (2, {1: "ce", 2: "f1"})
    plain = few_epochs(declare(criterion="ce"))
    assert (plain.epochs, plain.criterion) == (1, "ce")


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
