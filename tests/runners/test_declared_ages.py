from functools import partial

import numpy as np
import pytest
from torch.nn.functional import mse_loss

from callbacks.regression import age_absolute_error
from data.age_boundary import drop_ages, soften_ages
from data.errors import DataError
from data.mixing import Mixup
from data.reading import read_data
from runners.age_regression import YearsError, age_regression
from runners.criteria import CrossEntropy
from runners.declared_ages import check_ages_known
from runners.factor_criteria import FactorCrossEntropy
from runners.fold_criteria import build_criteria
from runners.refusals import check_declaration

YEARS = {"years": partial(YearsError, loss=mse_loss)}
AGES = {
    "model": partial(age_regression, backbone="test_resnet", pretrained=None, drop_rate=0.0, age_spread=3.0),
    "criteria": YEARS | {"mask_gender": partial(FactorCrossEntropy, factors=("mask", "gender"))},
    "criterion": {"mask_gender": 1.0, "years": 0.01},
    "metrics": {"age_mae": partial(age_absolute_error, age_spread=3.0)},
}
SOFTEN = partial(soften_ages, youngest=57, oldest=59, age_spread=1.0)
DROP = partial(drop_ages, youngest=57, oldest=59, absent="skip")


def test_the_criterion_is_given_the_models_spread(declare) -> None:
    import torch

    criteria = build_criteria(declare(**AGES), torch.ones(18, dtype=torch.int64))
    assert criteria["years"].age_spread == 3.0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"criteria": YEARS, "criterion": "years"},
            r"criteria\['years'\] reads an age .* model declares no age_spread",
        ),
        (
            {"metrics": {"mae": partial(age_absolute_error, age_spread=2.0)}},
            r"metrics\['mae'\] reads an age in years off the network, and model declares no age_spread",
        ),
        (
            AGES | {"metrics": {"mae": partial(age_absolute_error, age_spread=2.0)}},
            r"metrics\['mae'\] has age_spread=2.0 and model age_spread=3.0: one number is right",
        ),
        (
            AGES | {"criteria": {"years": partial(YearsError, loss=mse_loss, age_spread=4.0)}, "criterion": "years"},
            r"criteria\['years'\] has age_spread=4.0 and model age_spread=3.0",
        ),
        (
            AGES | {"mix": partial(Mixup, alpha=0.4, probability=1.0, partners="any")},
            r"mix is Mixup, which makes one image of two persons, and criteria\['years'\] takes one age for each",
        ),
    ],
)
def test_fields_that_contradict_each_other_are_refused_by_name(declare, changes, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as refused:
        declare(**changes)
    assert "\n" not in str(refused.value)


def test_any_classifier_may_log_the_error_of_the_age_it_expects(declare) -> None:
    assert declare(metrics={"age_mae": partial(age_absolute_error, values=(23.5, 44.5, 60.0) * 6)})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"criteria": YEARS}, r"criteria\['years'\]"),
        ({"metrics": {"mae": partial(age_absolute_error, age_spread=3.0)}}, r"metrics\['mae'\]"),
        ({"age_boundary": DROP}, "age_boundary"),
    ],
)
def test_data_without_ages_are_refused_and_the_field_is_named(competition, changes, field: str) -> None:
    fields = {"criteria": {"ce": partial(CrossEntropy)}, "metrics": {}, "age_boundary": None} | changes
    table = read_data(competition).train
    check_ages_known(**fields, table=table)
    with pytest.raises(DataError, match=rf"^{field} takes each person's age in years, which these data lack: .*\.$"):
        check_ages_known(**fields, table=table.drop(columns="years"))


def test_what_agrees_with_the_data_is_accepted_and_what_does_not_is_refused(declare, competition) -> None:
    data = read_data(competition)
    folds = np.arange(len(data.train)) // 7 % 2

    def check(**changes) -> None:
        check_declaration(declare(**changes), data, folds)

    check(**AGES, age_boundary=DROP)
    check(age_boundary=SOFTEN)
    check(
        **(AGES | {"criteria": YEARS | {"ce": partial(CrossEntropy)}, "criterion": {1: "years", 2: "ce"}}),
        age_boundary=SOFTEN,
    )
    with pytest.raises(DataError, match="age_boundary is soften_ages, .* and criterion sums only what does not look"):
        check(**AGES, age_boundary=SOFTEN)
    with pytest.raises(DataError, match="age_boundary: drop_ages refuses what was declared .*'oldest'"):
        check(age_boundary=partial(drop_ages, youngest=57, absent="skip"))
    with pytest.raises(
        DataError, match=r"metrics\['mae'\] fails on scores of 18 classes: ages are read with age_spread"
    ):
        check(metrics={"mae": age_absolute_error})
