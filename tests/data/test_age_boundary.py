import numpy as np
import pandas as pd
import pytest

from data.age_boundary import drop_ages, soften_ages
from data.ages import bucket_shares
from data.errors import DataError
from data.labels import age_bucket, decode, encode
from data.training_rows import TrainingRows

YEARS = np.array([18, 29, 30, 56, 57, 58, 59, 60, 60])


def training_rows(years: np.ndarray = YEARS, soft: np.ndarray | None = None) -> TrainingRows:
    mask, gender = np.arange(len(years)) % 3, np.arange(len(years)) % 2
    age = age_bucket(np.nan_to_num(years, nan=60))
    table = pd.DataFrame(
        {"image_id": [f"image {n}" for n in range(len(years))], "mask": mask, "gender": gender, "age": age}
    )
    return TrainingRows(table.assign(years=years, target=encode(mask, gender, age)), soft)


def test_ages_of_the_range_are_left_out_and_no_other() -> None:
    rows = drop_ages(training_rows(), youngest=57, oldest=59, absent="refuse")
    assert rows.table["years"].tolist() == [18, 29, 30, 56, 60, 60] and rows.soft is None


def test_soft_targets_of_the_kept_rows_stay_beside_them() -> None:
    soft = np.random.default_rng(0).dirichlet(np.ones(18), len(YEARS)).astype(np.float32)
    rows = drop_ages(training_rows(soft=soft), youngest=57, oldest=59, absent="refuse")
    np.testing.assert_array_equal(rows.soft, soft[[0, 1, 2, 3, 7, 8]])


def test_a_bucket_that_would_be_lost_is_refused_or_skipped() -> None:
    sentence = (
        r"^age_boundary drops ages 57 to 60, which leaves a fold no training image of >=60: .*60 stands for 60 and"
    )
    with pytest.raises(DataError, match=sentence):
        drop_ages(training_rows(), youngest=57, oldest=60, absent="refuse")
    rows = drop_ages(training_rows(), youngest=57, oldest=60, absent="skip")
    assert rows.table["years"].tolist() == [18, 29, 30, 56]
    with pytest.raises(DataError, match="no training image of <30 and of 30-59 and of >=60"):
        drop_ages(training_rows(), youngest=0, oldest=90, absent="skip")


def test_softened_targets_are_shares_of_the_buckets_and_keep_mask_and_gender() -> None:
    before = training_rows()
    rows = soften_ages(before, youngest=57, oldest=59, age_spread=1.0)
    assert rows.soft.shape == (len(YEARS), 18) and rows.soft.dtype == np.float32
    np.testing.assert_allclose(rows.soft.sum(1), 1, atol=1e-6)
    mask, gender, age = decode(np.arange(18))
    for row, soft in zip(before.table.itertuples(), rows.soft, strict=True):
        if 57 <= row.years <= 59:
            shares = [soft[(mask == row.mask) & (gender == row.gender) & (age == bucket)].sum() for bucket in range(3)]
            np.testing.assert_allclose(shares, bucket_shares([row.years], 1.0)[0], atol=1e-7)
            assert soft.argmax() == row.target, "samplers and counts go by the class that the age says"
        else:
            np.testing.assert_array_equal(soft, np.eye(18)[row.target])
    assert rows.table is before.table


def test_other_rows_keep_soft_targets_that_they_have_and_unknown_ages_stay() -> None:
    soft = np.random.default_rng(0).dirichlet(np.ones(18), 3).astype(np.float32)
    given = training_rows(np.array([40.0, 58.0, np.nan]), soft.copy())
    rows = soften_ages(given, youngest=57, oldest=59, age_spread=1.0)
    np.testing.assert_array_equal(rows.soft[[0, 2]], soft[[0, 2]])
    np.testing.assert_array_equal(given.soft, soft)
    assert (rows.soft[1] > 0).sum() == 3
    assert len(drop_ages(given, youngest=57, oldest=59, absent="refuse").table) == 2


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"youngest": 60, "oldest": 57, "absent": "skip"}, "age_boundary goes from 60 to 57: whole years"),
        ({"youngest": "57", "oldest": 59, "absent": "skip"}, "age_boundary goes from '57' to 59"),
        ({"youngest": 57, "oldest": 59, "absent": "keep"}, 'absent=\'keep\': "refuse" or "skip" would be right'),
    ],
)
def test_what_is_no_range_is_refused(keywords: dict, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        drop_ages(training_rows(), **keywords)


def test_a_spread_of_nothing_and_rows_without_ages_are_refused() -> None:
    with pytest.raises(DataError, match="age_boundary has age_spread=0: years above 0"):
        soften_ages(training_rows(), youngest=57, oldest=59, age_spread=0)
    bare = TrainingRows(training_rows().table.drop(columns="years"))
    with pytest.raises(DataError, match="age_boundary takes each person's age in years, which the data lack"):
        soften_ages(bare, youngest=57, oldest=59, age_spread=1.0)
