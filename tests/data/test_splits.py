import csv
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from data.balance import Balance, balance
from data.csv_rows import FORMULA_STARTS
from data.errors import DataError
from data.labels import STEM_TO_MASK, encode
from data.splits import (
    PersonGroupKFold,
    PersonHoldout,
    PersonSplit,
    PersonStratifiedKFold,
    check_split,
    split_text,
)

TRICKY_IDS = ["003397", "001498-1", "1e5", "NA", "null", "0", "00", "-1", " x", "a,b", 'q"q', "nan", "é"]


def make_table(labels: list[list[int]]) -> pd.DataFrame:
    """A table of images from each person's labels."""
    person = [f"{number:06d}" for number, own in enumerate(labels) for _ in own]
    target = np.array([label for own in labels for label in own], np.int64)
    return pd.DataFrame({"image_id": [f"i{row}" for row in range(len(person))], "person": person, "target": target})


def competition(persons: int, seed: int) -> pd.DataFrame:
    """Seven images a person, six kinds of person in the competition's shares."""
    counts = np.array([549, 410, 83, 732, 817, 109])
    stratum = np.random.default_rng(seed).choice(6, persons, p=counts / counts.sum())
    return make_table([encode(list(STEM_TO_MASK.values()), kind // 3, kind % 3).tolist() for kind in stratum])


def arbitrary(persons: int, seed: int, shares: tuple[float, ...] = (1 / 18,) * 18) -> pd.DataFrame:
    """3 to 11 images of arbitrary labels a person."""
    rng = np.random.default_rng(seed)
    return make_table([rng.choice(len(shares), rng.integers(3, 12), p=shares).tolist() for _ in range(persons)])


def rare(persons: int, seed: int) -> pd.DataFrame:
    return arbitrary(persons, seed, (0.40, 0.30, 0.15, 0.08, 0.04, 0.02, 0.007, 0.003))


def scikit_learn(table: pd.DataFrame, folds: int, seed: int) -> Balance:
    assigned = np.empty(len(table), np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, valid) in enumerate(splitter.split(table, table["target"], table["person"])):
        assigned[valid] = fold
    return balance(table["target"], assigned)


def folds_by_person(table: pd.DataFrame, folds: np.ndarray) -> pd.Series:
    return pd.Series(folds).groupby(table["person"].to_numpy()).agg(set)


def sentence(text: str) -> str:
    return f"^{re.escape(text)}$"


person_labels = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=9), min_size=2, max_size=40)
splitters = st.one_of(
    st.builds(PersonStratifiedKFold, folds=st.integers(2, 9)),
    st.builds(PersonGroupKFold, folds=st.integers(2, 9)),
    st.builds(PersonHoldout, valid_fraction=st.floats(0, 1, exclude_min=True, exclude_max=True)),
)
KFolds = PersonStratifiedKFold | PersonGroupKFold
Maker = Callable[[int, int], pd.DataFrame]


@settings(deadline=None)
@given(person_labels, splitters, st.integers(0, 2**32))
def test_every_image_is_placed_once_no_person_is_shared_and_no_fold_is_empty(
    labels: list[list[int]], splitter: KFolds | PersonHoldout, seed: int
) -> None:
    table = make_table(labels)
    if not isinstance(splitter, PersonHoldout) and splitter.folds > len(labels):
        with pytest.raises(DataError, match=f"^{splitter.folds} folds need at least .* the data has {len(labels)}.$"):
            splitter.assign(table, seed=seed)
        return
    folds = splitter.assign(table, seed=seed)
    assert folds.shape == (len(table),) and folds.dtype == np.int64
    assert set(folds) == ({-1, 0} if isinstance(splitter, PersonHoldout) else set(range(splitter.folds)))
    assert all(len(own) == 1 for own in folds_by_person(table, folds))


@settings(deadline=None)
@given(person_labels, splitters, st.integers(0, 2**32))
def test_a_split_depends_on_the_seed_and_not_on_the_order_of_rows(
    labels: list[list[int]], splitter: KFolds | PersonHoldout, seed: int
) -> None:
    table = make_table(labels * 5)  # at least 10 persons, enough for any of the splitters
    folds = splitter.assign(table, seed=seed)
    np.testing.assert_array_equal(folds, splitter.assign(table, seed=seed))
    order = np.random.default_rng(seed).permutation(len(table))
    np.testing.assert_array_equal(folds[order], splitter.assign(table.iloc[order], seed=seed))


@pytest.mark.parametrize("splitter", [PersonStratifiedKFold(5), PersonGroupKFold(5), PersonHoldout(0.2)])
@pytest.mark.parametrize("make", [competition, arbitrary, rare])
def test_seeds_bring_other_persons_together(splitter: KFolds | PersonHoldout, make: Maker) -> None:
    table = make(100, 0)
    first_rows = table.drop_duplicates("person").index
    splits = [splitter.assign(table, seed=seed)[first_rows] for seed in range(6)]
    validated = [
        (folds[:, None] == folds) & (folds >= 0) & ~np.eye(len(folds), dtype=bool) for folds in splits
    ]  # (P, P): together in a validated fold
    again = [(one & other).sum() / one.sum() for one, other in combinations(validated, 2)]
    assert np.mean(again) < 0.3  # chance: 0.2 for five folds, 0.04 for one hold-out


@pytest.mark.parametrize(
    ("make", "persons", "folds"),
    [
        (competition, 500, 5),
        (competition, 82, 5),
        (arbitrary, 400, 5),
        (arbitrary, 200, 10),
        (rare, 400, 5),
        (rare, 150, 3),
    ],
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_folds_are_at_least_as_even_as_scikit_learns(make: Maker, persons: int, folds: int) -> None:
    differences = []  # of class deviation, in images of a fold
    for seed in range(8):
        table = make(persons, seed)
        ours = balance(table["target"], PersonStratifiedKFold(folds).assign(table, seed=seed))
        theirs = scikit_learn(table, folds, seed)
        assert ours.size_spread <= theirs.size_spread
        differences.append((ours.class_deviation - theirs.class_deviation) * len(table) / folds / 100)
    assert max(differences) <= 1  # where whole images allow no more, either may be the luckier by a part of one
    assert np.mean(differences) <= 0.1


def test_arbitrary_labels_are_balanced_twice_as_well_as_by_scikit_learn() -> None:
    table = arbitrary(600, 1)
    ours = balance(table["target"], PersonStratifiedKFold(5).assign(table, seed=1))
    assert ours.class_deviation <= 0.6 * scikit_learn(table, 5, 1).class_deviation
    assert ours.size_spread <= 1


@pytest.mark.parametrize("seed", range(5))
def test_rare_classes_are_spread_as_evenly_as_whole_images_allow(seed: int) -> None:
    table = rare(400, seed)
    folds = PersonStratifiedKFold(5).assign(table, seed=seed)
    images = pd.crosstab(table["target"], folds)  # (classes, folds)
    assert np.ptp(images.loc[[6, 7]].to_numpy(), axis=1).max() <= 1


def test_persons_of_one_kind_are_dealt_evenly() -> None:
    table = make_table([[0, 0, 1]] * 20 + [[2]] * 15 + [[3, 3]] * 5)
    assert balance(table["target"], PersonStratifiedKFold(5).assign(table, seed=3)) == Balance(0.0, 0)


def test_left_over_persons_do_not_favour_a_fold() -> None:
    table = make_table([[0]] * 6)
    biggest = [np.bincount(PersonStratifiedKFold(5).assign(table, seed=seed)).argmax() for seed in range(60)]
    assert set(biggest) == set(range(5))


def test_group_k_fold_balances_sizes_and_does_not_look_at_labels() -> None:
    table = arbitrary(200, 0)
    folds = PersonGroupKFold(5).assign(table, seed=7)
    assert np.ptp(np.bincount(folds)) <= 1
    np.testing.assert_array_equal(folds, PersonGroupKFold(5).assign(table.drop(columns="target"), seed=7))


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.2, 1 / 3, 0.5, 0.8])
@pytest.mark.parametrize("make", [competition, arbitrary, rare])
def test_a_hold_out_is_of_the_size_asked_and_stratified(make: Maker, fraction: float) -> None:
    table = make(500, 2)
    folds = PersonHoldout(fraction).assign(table, seed=0)
    asked = fraction * len(table)
    assert abs((folds == 0).sum() - asked) <= 7
    assert balance(table["target"], folds).class_deviation <= 100 * 7 / asked


@pytest.mark.parametrize(("fraction", "validated"), [(1e-15, 1), (1e-3, 1), (1 - 1e-3, 7), (1 - 1e-15, 7)])
def test_a_hold_out_leaves_a_person_on_each_side(fraction: float, validated: int) -> None:
    table = make_table([[0, 1]] * 6 + [[2]] * 2)
    folds = PersonHoldout(fraction).assign(table, seed=0)
    assert table["person"][folds == 0].nunique() == validated


@pytest.mark.parametrize("folds", [1, 0, -3, 2.0])
@pytest.mark.parametrize("split", [PersonStratifiedKFold, PersonGroupKFold])
def test_fewer_than_two_folds_are_refused(split: type, folds: int) -> None:
    with pytest.raises(DataError, match=sentence(f"folds is {folds}: it must be a whole number, at least 2.")):
        split(folds=folds)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_outside_0_and_1_is_refused(fraction: float) -> None:
    with pytest.raises(DataError, match=f"^valid_fraction is {fraction}: it must lie between 0 and 1, both excluded.$"):
        PersonHoldout(valid_fraction=fraction)


@pytest.mark.parametrize("persons", [0, 1])
def test_too_few_persons_are_refused(persons: int) -> None:
    table = make_table([[0, 1]] * persons)
    with pytest.raises(DataError, match=sentence(f"A hold-out needs at least 2 persons, the data has {persons}.")):
        PersonHoldout(0.5).assign(table, seed=0)
    with pytest.raises(DataError, match=sentence(f"3 folds need at least 3 persons, the data has {persons}.")):
        PersonGroupKFold(3).assign(table, seed=0)


def test_an_image_without_a_person_is_refused() -> None:
    table = make_table([[0], [1], [0]])
    table.loc[1, "person"] = None
    with pytest.raises(DataError, match="^Row 1 of the table .* has no person; every image needs one.$"):
        PersonStratifiedKFold(2).assign(table, seed=0)


@pytest.mark.parametrize(
    ("persons", "folds", "message"),
    [
        ("aabc", [0, 1, 0, 1], "Person 'a' is in fold 0 and in fold 1; a person belongs to one fold."),
        ("abcb", [0, 0, 1, -1], "Person 'b' is in fold 0 and in fold -1; a person belongs to one fold."),
        ("abc", [0, 2, 2], "The split has fold 2 but no image in fold 1: folds are 0, 1, 2 ... or -1."),
        ("abc", [1, 1, -1], "The split has fold 1 but no image in fold 0: folds are 0, 1, 2 ... or -1."),
        ("ab", [0, 10**15], f"The split has fold {10**15} but no image in fold 1: folds are 0, 1, 2 ... or -1."),
        ("abc", [0, 1, -2], "The split has fold -2: folds are 0, 1, 2 ..., or -1 for what is never validated."),
        ("ab", [-1, -1], "The split validates nothing: every image has fold -1, at least one needs a fold from 0 on."),
        ("", [], "The split validates nothing: every image has fold -1, at least one needs a fold from 0 on."),
    ],
)
def test_what_is_no_split_is_refused(persons: str, folds: list[int], message: str) -> None:
    with pytest.raises(DataError, match=sentence(message)):
        check_split(list(persons), np.array(folds, np.int64))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(-1, 2)), max_size=12))
def test_check_split_agrees_with_the_definition(rows: list[tuple[str, int]]) -> None:
    used = {fold for _, fold in rows} - {-1}
    whole = len(set(rows)) == len({person for person, _ in rows})
    is_split = whole and bool(used) and used == set(range(len(used)))
    try:
        check_split([person for person, _ in rows], [fold for _, fold in rows])
    except DataError:
        assert not is_split
    else:
        assert is_split


@pytest.mark.parametrize("splitter", [PersonStratifiedKFold(3), PersonGroupKFold(3), PersonHoldout(0.3)])
def test_every_split_is_checked(splitter: KFolds | PersonHoldout, monkeypatch: pytest.MonkeyPatch) -> None:
    table, seen = arbitrary(20, 0), []
    monkeypatch.setattr("data.splits.check_split", lambda persons, folds: seen.append((list(persons), folds)))
    folds = splitter.assign(table, seed=0)
    assert len(seen) == 1 and seen[0][0] == table["person"].tolist() and seen[0][1] is folds


@settings(deadline=None)
@given(st.data())
def test_balance_is_the_largest_difference_of_shares(data: st.DataObject) -> None:
    folds = np.array(data.draw(st.permutations([0, 1, 2] + data.draw(st.lists(st.integers(-1, 2), max_size=30)))))
    targets = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(folds), max_size=len(folds))))
    parts = [targets[folds == fold] for fold in range(3)]
    expected = max(abs(np.mean(part == label) - np.mean(targets == label)) for part in parts for label in range(4))
    result = balance(targets, folds)
    assert result.class_deviation == pytest.approx(100 * expected)
    assert result.size_spread == max(map(len, parts)) - min(map(len, parts))


def tricky_table() -> pd.DataFrame:
    person = [name for name in TRICKY_IDS for _ in range(2)]
    image_id = [f"{name}/{number}" if number else name for name in TRICKY_IDS for number in range(2)]
    return pd.DataFrame({"image_id": image_id, "person": person, "target": np.arange(len(person)) % 3})


@pytest.mark.parametrize("columns", [["image_id", "path", "person", "target", "fold"], ["fold", "person"]])
@pytest.mark.parametrize("splitter", [PersonStratifiedKFold(3), PersonHoldout(0.3)])
def test_a_split_survives_its_file(tmp_path: Path, columns: list[str], splitter: KFolds | PersonHoldout) -> None:
    table = tricky_table()
    folds = splitter.assign(table, seed=5)
    kept = table.assign(path=table["image_id"] + ".jpg", fold=folds)[columns].drop_duplicates()
    kept.to_csv(tmp_path / "folds.csv", index=False)
    shuffled = table.sample(frac=1, random_state=0)
    for path in (tmp_path / "folds.csv", str(tmp_path / "folds.csv")):
        again = PersonSplit.from_csv(path).assign(shuffled, seed=99)
        assert again.dtype == np.int64
        np.testing.assert_array_equal(again, folds[shuffled.index])


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text("person,fold\r\n000000,1\r\n000001,0\r\n000002,-1\r\n", "utf-8-sig", newline="")
    assert PersonSplit.from_csv(tmp_path / "folds.csv").assign(TABLE, seed=0).tolist() == [1, 1, 0, -1]


TABLE = make_table([[0, 1], [0], [1]])  # images i0..i3 of persons 000000 (two), 000001, 000002


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image_id,who\ni0,a\n",
            "row 1: no column person, fold; expected the columns person,fold, found 'image_id', 'who'.",
        ),
        (
            "person,fold\n000000,0\n000001,1.0\n000002,1\n",
            "row 3: fold is '1.0', it must be a whole number from 0 on, or -1 for what is never validated.",
        ),
        (
            "person,fold\n000000,0\n000001,\n",
            "row 3: fold is '', it must be a whole number from 0 on, or -1 for what is never validated.",
        ),
        (
            "person,fold\n000000,-2\n",
            "row 2: fold is '-2', it must be a whole number from 0 on, or -1 for what is never validated.",
        ),
        (
            "image_id,person,fold\ni0,000000,0\ni1,000000,1\n",
            "row 3: person '000000' is in fold 1 here and in fold 0 above; a person belongs to one fold.",
        ),
        (
            "person,fold\n000000,0\n000001,1\n000000,-1\n",
            "row 4: person '000000' is in fold -1 here and in fold 0 above; a person belongs to one fold.",
        ),
        ("image_id,person,fold\ni0,000000,0\ni0,000000,0\n", "row 3: image 'i0' is listed for the second time."),
        ("image_id,person,fold\ni0,000000,0\ni2,000001,1\n", "lacks 2 image(s) of the data, first 'i1'."),
        ("person,fold\n000000,0\n0000001,1\n", "lacks 2 person(s) of the data, first '000001'."),
        (
            "image_id,person,fold\ni0,000000,0\ni1,000000,0\nz,000001,1\ni2,000001,1\ni3,000002,1\ny,000002,1\n",
            "names 2 image(s) the data does not have, first 'z'.",
        ),
        ("person,fold\n000000,0\n000001,1\n000002,1\n2,0\n", "names 1 person(s) the data does not have, first '2'."),
        (
            "image_id,person,fold\ni0,000000,0\ni1,000000,0\ni2,000002,1\ni3,000001,1\n",
            "image 'i2' belongs to person '000002' there, to person '000001' in the data.",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(text)
    mark = ", " if message.startswith("row ") else ": "
    with pytest.raises(DataError, match=sentence(f"{path}{mark}{message}")):
        PersonSplit.from_csv(path).assign(TABLE, seed=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "row 1: no column person, fold; expected the columns person,fold, found an empty file."),
        (b"person,fold\na,0,1\nb,1,2\n", "row 2: 3 cells; expected 2, as many as the header has."),
        (b"person,fold\na\nb,1\n", "row 2: 1 cells; expected 2, as many as the header has."),
        (b'person,fold\n"a\nb",0\nc,x\n', "row 4: fold is 'x', it must be a whole number"),
        (b"person,fold,fold\na,0,1\n", "row 1: column 'fold' is there twice; keep one of them."),
        (b"person;fold\na;0\n", " is separated by semicolons; save it with commas between the cells."),
        (b"person,fold\na,0\0\n", "row 2: a NUL byte"),
        (b"\xff\xfe,fold\n", "row 1: byte 0xff is not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "folds.csv"
    path.write_bytes(content)
    mark = "" if message.startswith(" ") else ", "
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}{mark}{message}')}"):
        PersonSplit.from_csv(path)


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence(f"{tmp_path / 'folds.csv'} does not exist; expected a CSV.")):
        PersonSplit.from_csv(tmp_path / "folds.csv")


FORMULAS = ["=1+1", "+a", "-a", "@a", "'=1", "''", "'a", "\t=1", "＝1", "-1", "a=1"]


def test_a_split_is_written_so_that_no_spreadsheet_runs_a_name(tmp_path: Path) -> None:
    table = make_table([[0]] * len(FORMULAS)).assign(person=FORMULAS, image_id=[f"{name}/1" for name in FORMULAS])
    folds = PersonStratifiedKFold(3).assign(table, seed=0)
    text = split_text(table.assign(fold=folds)[["image_id", "person", "fold"]])
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row[:2]]
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)]
    (tmp_path / "folds.csv").write_text(text)
    np.testing.assert_array_equal(PersonSplit.from_csv(tmp_path / "folds.csv").assign(table, seed=1), folds)


def test_a_file_s_split_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text("person,fold\n000000,0\n000001,2\n000002,2\n")
    with pytest.raises(DataError, match="^The split has fold 2 but no image in fold 1: "):
        PersonSplit.from_csv(tmp_path / "folds.csv").assign(TABLE, seed=0)
