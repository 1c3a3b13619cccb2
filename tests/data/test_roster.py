"""Who takes part in the sample competition: shares, label shift, odd ids, the sealed halves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.labels import GENDERS, STEM_TO_MASK, age_bucket, decode
from data.roster import EVAL_SHARES, TRAIN_SHARES, Person, Sample, eval_people, head_counts, train_people

seeds = st.integers(0, 2**40)


def groups(people: list[Person]) -> np.ndarray:
    gender = [GENDERS.index(person.gender) for person in people]
    return np.bincount(np.array(gender) * 3 + age_bucket([person.age for person in people]), minlength=6)


def test_training_shares_are_those_of_the_real_training_set():
    images = np.array([2745, 2050, 415, 3660, 4085, 545])           # a mask worn, by gender and age bucket
    np.testing.assert_allclose(TRAIN_SHARES, images / images.sum(), atol=1e-3)
    people, table = train_people(Sample())
    counts = groups(people)
    assert len(people) == 140 and counts.min() >= 5                 # a person of each class for each of five folds
    np.testing.assert_allclose(counts / 140, TRAIN_SHARES, atol=0.01)
    assert (table["gender"] == "male").mean() == pytest.approx(0.39, abs=0.01)
    assert (table["age"] >= 60).mean() == pytest.approx(0.07, abs=0.01)


def test_eval_has_the_label_shift():
    people, info, solution = eval_people(Sample())
    mask, gender, age = decode(solution["ans"])
    assert len(people) == 90 and groups(people).min() >= 5
    assert 0.58 <= (gender == 0).mean() <= 0.61 and 0.23 <= (age == 2).mean() <= 0.28
    np.testing.assert_array_equal(np.bincount(mask), [450, 90, 90])
    assert (info["ans"] == 0).all()


@given(st.integers(1, 400), st.sampled_from([TRAIN_SHARES, EVAL_SHARES]))
def test_head_counts_follow_the_shares(count, shares):
    counts = head_counts(count, shares)
    assert counts.sum() == count and counts.min() >= (0 if count < 6 else min(5, max(1, count // 18)))
    if (shares * count >= 5).all():
        assert np.abs(counts - shares * count).max() < 1


@settings(max_examples=40, deadline=None)
@given(st.integers(10, 60), seeds)
def test_train_csv_has_the_real_oddities(count, seed):
    people, table = train_people(Sample(train_persons=count, seed=seed))
    assert list(table.columns) == ["id", "gender", "race", "age", "path"]
    assert table["path"].is_unique and table["id"].duplicated().sum() == 1
    assert table["age"].between(18, 60).all() and table["id"].str.match(r"\d{6}(-1)?$").all()
    assert table["id"].str.startswith("0").all()
    (suffixed,) = table["id"][table["id"].str.endswith("-1")]
    assert suffixed.removesuffix("-1") in set(table["id"])          # another person's id
    for person, row in zip(people, table.itertuples(), strict=True):
        assert row.path == f"{row.id}_{row.gender}_{row.race}_{row.age}" and row.age == person.age
        folders, names = zip(*(file.rsplit("/", 1) for file in person.files), strict=True)
        assert set(folders) == {f"train/images/{row.path}"}
        assert [name.split(".")[0] for name in names] == list(STEM_TO_MASK)
    endings = [{file.rsplit(".", 1)[1] for file in person.files} for person in people]
    assert sum(len(ending) > 1 for ending in endings) == 1          # one person mixes extensions
    assert {"png"} in endings and {"jpeg"} in endings and endings.count({"jpg"}) == count - 3


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), seeds)
def test_halves_are_split_by_person_and_equal(count, seed):
    people, info, solution = eval_people(Sample(eval_persons=count, seed=seed))
    assert list(info.columns) == ["ImageID", "ans"] and list(solution.columns) == ["ImageID", "ans", "half"]
    assert info["ImageID"].tolist() == solution["ImageID"].tolist()
    assert info["ImageID"].is_unique and info["ImageID"].str.match(r"[0-9a-f]{40}\.jpg$").all()
    by_name = solution.set_index("ImageID")
    halves = []
    for person in people:
        own = by_name.loc[[file.removeprefix("eval/images/") for file in person.files]]
        mask, gender, age = decode(own["ans"])
        assert mask.tolist() == list(STEM_TO_MASK.values())
        assert (gender == GENDERS.index(person.gender)).all() and (age == age_bucket(person.age)).all()
        halves += own["half"].unique().tolist()
    assert len(halves) == count and halves.count("public") - halves.count("private") == count % 2


def test_rows_of_info_csv_are_shuffled():
    people, info, _ = eval_people(Sample())
    rank = {file.removeprefix("eval/images/"): place for place, person in enumerate(people) for file in person.files}
    assert abs(np.corrcoef(info["ImageID"].map(rank), np.arange(len(info)))[0, 1]) < 0.2
    assert info["ImageID"].tolist() != sorted(info["ImageID"])


@pytest.mark.parametrize(("years", "age"), [(16.5, 18), (18.9, 18), (29.99, 29), (30.0, 30), (59.9, 59), (75.0, 60)])
def test_labelled_age_is_whole_years_clipped(years, age):
    assert Person((0, 0, 1), "male", years).age == age


@pytest.mark.parametrize(("name", "value"), [("train_persons", 0), ("eval_persons", 0), ("height", 15), ("width", 11),
                                             ("seed", -1)])
def test_arguments_out_of_range_are_named(name, value):
    with pytest.raises(DataError, match=f"sample's {name} must be at least .*, not {value}"):
        Sample(**{name: value})
