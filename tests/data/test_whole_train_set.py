from functools import partial

import numpy as np
import pandas as pd
import pytest

from data.errors import DataError
from data.splits import PersonStratifiedKFold
from data.whole_train_set import WholeTrainSet, fold_count

TABLE = pd.DataFrame({"person": list("aabb"), "target": [0, 1, 0, 1]})


def test_nobody_is_validated_and_there_are_as_many_networks_as_fits() -> None:
    split = partial(WholeTrainSet, fits=3, epochs_of=None)
    folds = split().assign(TABLE, seed=1)
    assert folds.tolist() == [-1] * 4 and folds.dtype == np.int64
    assert fold_count(split, folds) == 3


def test_any_other_split_has_as_many_networks_as_folds() -> None:
    assert fold_count(partial(PersonStratifiedKFold, folds=5), np.array([0, 3, -1, 4, 1, 2])) == 5


@pytest.mark.parametrize("fits", [0, -1, 1.5, True, None])
def test_fits_are_a_number_of_networks(fits: object) -> None:
    with pytest.raises(DataError, match=r"^fits is .*: a whole number from 1 on would be right\.$"):
        WholeTrainSet(fits=fits, epochs_of=None)


def test_an_empty_train_set_is_one_sentence() -> None:
    with pytest.raises(DataError, match="no training image"):
        WholeTrainSet(fits=1, epochs_of=None).assign(TABLE.head(0), seed=1)
