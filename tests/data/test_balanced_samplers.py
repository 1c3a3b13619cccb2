import pickle
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pytest

from data.balanced_samplers import class_balanced, oversampled, undersampled, weighted
from data.errors import DataError
from data.samplers import REPEAT

CLASSES = tuple(f"class {number}" for number in range(18))
COUNTS = (30, 15, 4)  # images of each age bucket
WEIGHTS = {"<30": 1, "30-59": 1.0, ">=60": 4}


@pytest.fixture
def table() -> pd.DataFrame:
    ages = np.repeat([0, 1, 2], COUNTS)
    ages = np.random.default_rng(0).permutation(ages)
    ids = [f"image {number}" for number in range(len(ages))]
    genders = np.arange(len(ages)) % 2
    return pd.DataFrame({"image_id": ids, "age": ages, "gender": genders, "target": genders * 3 + ages})


ALL = {
    "over": partial(oversampled, by="age", absent="refuse"),
    "under": partial(undersampled, by="age", absent="refuse"),
    "balanced": partial(class_balanced, by="age", power=0, absent="refuse"),
    "weighted": partial(weighted, by="age", weights=WEIGHTS, absent="refuse"),
}


def make(factory, table: pd.DataFrame, *, seed: int = 1, fold: int = 0, **keywords):
    return factory(len(table), table=table, class_names=CLASSES, seed=seed, fold=fold, **keywords)


def epoch(sampler, number: int) -> list[tuple[int, int]]:
    sampler.set_epoch(number)
    return list(sampler)


def positions(sampler, number: int = 1) -> np.ndarray:
    return np.array([position for _, position in epoch(sampler, number)])


@pytest.mark.parametrize("name", ALL)
def test_the_order_is_a_function_of_seed_fold_and_epoch_alone(table, name: str) -> None:
    sampler = make(ALL[name], table)
    first, second = epoch(sampler, 1), epoch(sampler, 2)
    again = make(ALL[name], table)  # as after a resume: epoch 2 without epoch 1
    assert epoch(again, 2) == second and epoch(again, 1) == first
    assert len(first) == len(second) == len(sampler)
    others = [make(ALL[name], table, seed=2), make(ALL[name], table, fold=1)]
    assert len({tuple(positions(one)) for one in (sampler, *others)} | {tuple(positions(sampler, 2))}) == 4


@pytest.mark.parametrize("name", ALL)
def test_only_rows_of_the_training_table_are_drawn_and_its_index_does_not_matter(table, name: str) -> None:
    scattered = table.set_index(np.arange(len(table)) * 7 + 3)  # a fold's rows keep the index of the whole table
    assert epoch(make(ALL[name], scattered), 1) == epoch(make(ALL[name], table), 1)
    assert set(positions(make(ALL[name], scattered))) <= set(range(len(table)))


@pytest.mark.parametrize("name", ALL)
def test_an_image_drawn_again_in_an_epoch_gets_another_draw(table, name: str) -> None:
    """The draw seeds the augmentation: copies of an image would be the same pixels."""
    drawn = epoch(make(ALL[name], table), 5)
    assert len(set(drawn)) == len(drawn)
    assert {draw % REPEAT for draw, _ in drawn} == {5}
    repeats = Counter(position for _, position in drawn)
    assert {draw // REPEAT for draw, _ in drawn} == set(range(max(repeats.values())))


def test_oversampling_repeats_every_image_as_often_as_the_next_of_its_group(table) -> None:
    drawn = positions(make(ALL["over"], table))
    assert np.bincount(table["age"].to_numpy()[drawn]).tolist() == [30, 30, 30]
    times = np.bincount(drawn, minlength=len(table))
    for age, allowed in ((0, {1}), (1, {2}), (2, {7, 8})):  # 30 of 30, 15 and 4 images
        assert set(times[table["age"] == age]) == allowed


def test_undersampling_draws_none_twice_and_others_each_epoch(table) -> None:
    sampler = make(ALL["under"], table)
    drawn = positions(sampler)
    assert np.bincount(table["age"].to_numpy()[drawn]).tolist() == [4, 4, 4]
    assert len(set(drawn)) == 12
    seen = {position for number in range(60) for position in positions(sampler, number)}
    assert seen == set(range(len(table)))


@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_class_balanced_shares_are_kangs_formula(table, power: float) -> None:
    sampler = make(partial(class_balanced, by="age", power=power, absent="refuse"), table)
    expected = np.array(COUNTS) ** power / sum(np.array(COUNTS) ** power)
    assert len(sampler) == len(table)
    drawn = np.concatenate([positions(sampler, number) for number in range(400)])
    shares = np.bincount(table["age"].to_numpy()[drawn]) / len(drawn)
    sd = np.sqrt(expected * (1 - expected) / len(drawn))
    assert (np.abs(shares - expected) < 4 * sd).all()


def test_weights_are_those_of_torchs_weighted_sampler(table) -> None:
    """The chance of each image, against torch's own over many draws."""
    import torch
    from torch.utils.data import WeightedRandomSampler

    sampler = make(ALL["weighted"], table)
    ours = np.concatenate([positions(sampler, number) for number in range(400)])
    chances = np.array(list(WEIGHTS.values()))[table["age"]]
    generator = torch.Generator().manual_seed(0)
    theirs = np.array(list(WeightedRandomSampler(chances.tolist(), len(ours), generator=generator)))
    ages = table["age"].to_numpy()
    sd = 0.5 / np.sqrt(len(ours))
    assert np.abs(np.bincount(ages[ours]) - np.bincount(ages[theirs])).max() / len(ours) < 6 * sd
    each = np.bincount(ours, minlength=len(table)) / len(ours)
    np.testing.assert_allclose(each, chances / chances.sum(), atol=6 * np.sqrt(0.08 / len(ours)))


def test_several_columns_balance_their_combinations(table) -> None:
    drawn = positions(make(partial(oversampled, by=("gender", "age"), absent="refuse"), table))
    pairs = Counter(zip(table["gender"].to_numpy()[drawn], table["age"].to_numpy()[drawn], strict=True))
    assert len(pairs) == 6 and len(set(pairs.values())) == 1


@pytest.mark.parametrize("name", ALL)
def test_a_value_without_training_images_is_refused_in_one_sentence_or_skipped(table, name: str) -> None:
    young = table[table["age"] != 2]
    sentence = (
        r"^sampler balances by age, and split leaves fold 3 no training image of '?>=60'?: another `by`, fewer "
        r'folds, or absent="skip" would be right\.$'
    )
    with pytest.raises(DataError, match=sentence):
        make(ALL[name], young, fold=2)
    drawn = positions(make(ALL[name], young, absent="skip"))
    assert set(young["age"].to_numpy()[drawn]) == {0, 1}


@pytest.mark.parametrize("name", ALL)
def test_a_value_in_between_may_be_skipped(table, name: str) -> None:
    without = table[table["age"] != 1]
    drawn = positions(make(ALL[name], without, absent="skip"))
    counts = Counter(without["age"].to_numpy()[drawn])
    assert set(counts) == {0, 2}
    if name in ("over", "under"):
        assert counts[0] == counts[2]


def test_every_class_must_be_there_to_be_balanced(table) -> None:
    by_class = partial(class_balanced, by="target", power=0, absent="refuse")
    with pytest.raises(DataError, match="balances by target, and split leaves fold 1 no training image of 'class 6'"):
        make(by_class, table)
    drawn = positions(make(by_class, table, absent="skip"))
    assert set(table["target"].to_numpy()[drawn]) == set(table["target"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"by": "race"}, "sampler balances by 'race', which the data lack; available: image_id, age, gender, target"),
        ({"absent": "ignore"}, 'sampler takes absent=\'ignore\': "refuse" or "skip"'),
        ({"weights": {"<30": 1, "30-59": 1}}, "sampler has no weight for '>=60': a number for each of <30, 30-59"),
        ({"weights": WEIGHTS | {"60+": 2}}, r"sampler has a weight for '60\+'"),
        ({"weights": WEIGHTS | {"<30": -1}}, "numbers from 0 on, not all 0"),
        ({"weights": dict.fromkeys(WEIGHTS, 0)}, "numbers from 0 on, not all 0"),
    ],
)
def test_what_cannot_be_weighted_is_one_sentence(table, change, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        make(ALL["weighted"], table, **change)


def test_an_empty_cell_is_one_sentence(table) -> None:
    with pytest.raises(DataError, match="by camera, which is empty for 1 of 49 training images, the first 'image 3'"):
        cells = ["a", "b"] * 24 + ["c"]
        cells[3] = " "
        make(ALL["over"], table.assign(camera=cells), by="camera")
    with pytest.raises(DataError, match="power=nan: a number"):
        make(ALL["balanced"], table, power=float("nan"))


def test_samplers_reach_processes_that_are_spawned(table) -> None:
    for factory in ALL.values():
        sampler = make(factory, table)
        copy = pickle.loads(pickle.dumps(sampler))  # noqa: S301 - our own bytes
        assert epoch(copy, 3) == epoch(sampler, 3)
