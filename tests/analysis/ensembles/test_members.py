"""Members are joined by image id; what can't be joined is refused with a sentence."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.ensembles.members import read_members
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.run_folder import RunFolder, list_runs
from runners.state import read_arrays, read_json, write_arrays, write_json

Arrays = dict[str, NDArray[Any]]


def change(path: Path, **changed: NDArray[Any]) -> None:
    write_arrays(path, {**read_arrays(path), **changed})


def permuted(arrays: Arrays, rows: NDArray[np.int64]) -> Arrays:
    return {name: values[rows] for name, values in arrays.items()}


@pytest.fixture
def runs(trial: Trial) -> list[RunFolder]:
    return list_runs(trial.runs)


def test_members_lie_side_by_side(runs: list[RunFolder]) -> None:
    members = read_members(runs)
    oof, test = read_arrays(runs[1].oof), read_arrays(runs[1].test)
    assert members.names == ("run_0 a1b2c3", "run_1 b2c3d4", "run_2 c3d4e5") and members.oof.shape == (3, 280, 18)
    np.testing.assert_array_equal(members.oof[1], oof["probabilities"])
    np.testing.assert_array_equal(members.labels[1], oof["probabilities"].argmax(1))
    np.testing.assert_array_equal(members.test[1], test["probabilities"])
    assert members.image_ids.tolist() == oof["image_ids"].tolist() and members.test_ids.tolist()[0].endswith(".jpg")
    assert members.class_names == tuple(read_json(runs[0].scores)["classes"])
    some = members.take([2, 0])
    assert some.names == ("run_2 c3d4e5", "run_0 a1b2c3") and some.runs == (runs[2], runs[0])
    np.testing.assert_array_equal(some.test_labels, members.test_labels[[2, 0]])


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_another_order_of_a_runs_rows_changes_nothing(
    runs: list[RunFolder], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    other = RunFolder(tmp_path_factory.mktemp("runs") / "run_1" / runs[1].root.name)
    shutil.copytree(runs[1].root, other.root)
    write_arrays(other.oof, permuted(read_arrays(other.oof), rng.permutation(280)))
    rows = rng.permutation(140)
    write_arrays(other.test, permuted(read_arrays(other.test), rows))
    for number in range(5):
        file = other.fold(number).predictions
        arrays = read_arrays(file)
        change(file, test=arrays["test"][rows])
    plain, joined = read_members(runs), read_members([runs[0], other, runs[2]])
    np.testing.assert_array_equal(joined.oof, plain.oof)
    np.testing.assert_array_equal(joined.test, plain.test)
    assert joined.targets.tolist() == plain.targets.tolist() and joined.names == plain.names
    np.testing.assert_array_equal(joined.test_labels, plain.test_labels)


def test_runs_of_another_split_are_members(runs: list[RunFolder]) -> None:
    folds = read_arrays(runs[1].oof)["folds"]
    change(runs[1].oof, folds=(folds + 1) % 5)
    assert len(read_members(runs).names) == 3


def test_names_that_are_alike_are_told_in_full(runs: list[RunFolder]) -> None:
    twin = RunFolder(runs[0].root.parent / "20261124-150000-a1b2c3ffff")
    shutil.copytree(runs[0].root, twin.root)
    names = read_members([runs[0], twin, runs[1]]).names
    assert names == ("run_0/20261123-150000-a1b2c3d4e5", "run_0/20261124-150000-a1b2c3ffff", "run_1 b2c3d4")


def broken_oof(run: RunFolder, key: str, row: int, value: object) -> None:
    values = read_arrays(run.oof)[key].copy()
    values[row] = value
    change(run.oof, **{key: values})


@pytest.mark.parametrize(("key", "value", "said"), [
    ("image_ids", "other.jpg", "out-of-fold predictions are of 280 images, 279 of them among the 280 of .*run_0"),
    ("targets", 5, "1 images have other labels than in .*run_0.*same corrections"),
    ("persons", "somebody", "1 images have other persons than in"),
    ("probabilities", np.nan, "1 images have probabilities that are negative or not finite"),
    ("probabilities", -0.1, "1 images have probabilities that are negative or not finite"),
])
def test_a_run_that_does_not_fit_is_refused(runs: list[RunFolder], key: str, value: object, said: str) -> None:
    row = int(np.argmax(read_arrays(runs[1].oof)["targets"] != 5))
    broken_oof(runs[1], key, row, value)
    with pytest.raises(DataError, match=said):
        read_members(runs)


def test_an_image_that_is_there_twice_is_refused(runs: list[RunFolder]) -> None:
    broken_oof(runs[1], "image_ids", 1, read_arrays(runs[1].oof)["image_ids"][0])
    with pytest.raises(DataError, match="1 images are there twice, such as '.*mask1.jpg'"):
        read_members(runs)


def test_a_run_of_part_of_the_images_is_refused(runs: list[RunFolder]) -> None:
    write_arrays(runs[2].oof, permuted(read_arrays(runs[2].oof), np.arange(100)))
    with pytest.raises(DataError, match="run_2.*are of 100 images, 100 of them among the 280 of .*run_0"):
        read_members(runs)


def test_other_test_images_or_none_are_refused(runs: list[RunFolder]) -> None:
    arrays = read_arrays(runs[1].test)
    write_arrays(runs[1].test, permuted(arrays, np.arange(139)))
    for number in range(5):
        change(runs[1].fold(number).predictions, test=read_arrays(runs[1].fold(number).predictions)["test"][:139])
    with pytest.raises(DataError, match="its test predictions are of 139 images, 139 of them among the 140"):
        read_members(runs)
    write_arrays(runs[1].test, permuted(arrays, np.arange(0)))
    with pytest.raises(DataError, match="test.npz has no images"):
        read_members(runs)


def test_a_split_that_divides_a_person_is_refused(runs: list[RunFolder]) -> None:
    fold = read_arrays(runs[1].oof)["folds"][0]
    broken_oof(runs[1], "folds", 0, (fold + 1) % 5)
    with pytest.raises(DataError, match="run_1.*: 1 persons are on both sides of its split.*by `vote`"):
        read_members(runs)


def test_other_classes_are_refused(runs: list[RunFolder]) -> None:
    scores = read_json(runs[1].scores)
    swapped = [scores["classes"][1], scores["classes"][0], *scores["classes"][2:]]
    write_json(runs[1].scores, {**scores, "classes": swapped})
    with pytest.raises(DataError, match="its 18 classes are not the 18 of .*run_0.* in that order"):
        read_members(runs)
    write_json(runs[1].scores, {**scores, "classes": scores["classes"][:17]})
    with pytest.raises(DataError, match="classes is no list of 18 names"):
        read_members(runs)


def test_one_run_and_a_run_twice_are_refused(runs: list[RunFolder]) -> None:
    with pytest.raises(DataError, match="1 run given; an ensemble blends two or more"):
        read_members(runs[:1])
    with pytest.raises(DataError, match="run_0.* is named twice"):
        read_members([runs[0], runs[1], runs[0]])
