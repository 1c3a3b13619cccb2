import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulated_runs import write_run
from data.errors import DataError
from data.metadata import ImageData
from data.splits import PersonGroupKFold
from runners.pseudo_labels import PseudoLabels
from runners.run_folder import RunFolder

CLASSES, TEST = ("x", "y", "z"), 4
PEOPLE = [f"p{number}" for number in range(8)]


def people(root: Path) -> ImageData:
    """Eight persons with two images each, four test images."""
    ids = [f"{person}{image}" for person in PEOPLE for image in "ab"]
    train = pd.DataFrame({"image_id": ids, "path": ids, "person": np.repeat(PEOPLE, 2)})
    train["target"] = np.arange(len(train)) % len(CLASSES)
    names = [f"t{number}" for number in range(TEST)]
    return ImageData(root, "csv", train, pd.DataFrame({"image_id": names, "path": names}), CLASSES, "path", "label", ())


def told_by(models: int) -> np.ndarray:
    """Test probabilities (K, M, C) that tell which networks were averaged: no two subsets have the same mean."""
    rng = np.random.default_rng(1)
    return rng.dirichlet(np.ones(len(CLASSES)), (models, TEST)).astype(np.float32)


@pytest.fixture
def source(tmp_path: Path):
    """Writes a run in which folds (16,) validate the images; returns the data and where the run is."""

    def write(folds: np.ndarray, name: str = "20261101-120000-0123456789") -> tuple[ImageData, RunFolder]:
        data = people(tmp_path)
        oof = np.full((len(data.train), len(CLASSES)), 1 / 3, np.float32)
        run = RunFolder(tmp_path / "runs/first" / name)
        return data, write_run(run, data, np.asarray(folds), oof, told_by(int(max(folds)) + 1))

    return write


def of_persons(folds: list[int]) -> np.ndarray:
    """Folds of persons as those of their images."""
    return np.repeat(folds, 2)


SPLITS = st.lists(st.integers(-1, 3), min_size=8, max_size=8).filter(
    lambda folds: max(folds) >= 0 and set(range(max(folds))) <= set(folds)
)


@settings(max_examples=25)
@given(theirs=SPLITS, ours=SPLITS, soft=st.booleans())
def test_no_label_is_of_a_network_that_saw_a_person_whom_the_fold_validates(
    tmp_path_factory: pytest.TempPathFactory, theirs: list[int], ours: list[int], soft: bool
) -> None:
    """Whatever the two splits are: the labels are the mean of just those networks, or are refused."""
    root = tmp_path_factory.mktemp("any")
    data, networks = people(root), max(theirs) + 1
    oof = np.full((len(data.train), len(CLASSES)), 1 / 3, np.float32)
    run = write_run(RunFolder(root / "r" / "1-0123456789"), data, of_persons(theirs), oof, told_by(networks))
    validated = [frozenset(np.array(PEOPLE)[np.array(ours) == number]) for number in range(max(ours) + 1)]
    saw = [{person for person, fold in zip(PEOPLE, theirs, strict=True) if fold != one} for one in range(networks)]
    blind = [[one for one in range(networks) if not saw[one] & persons] for persons in validated]
    labels = PseudoLabels(run=str(run.root), threshold=0.0, soft=soft)
    if not all(blind):
        with pytest.raises(DataError, match=f"persons whom fold {[not each for each in blind].index(True) + 1} valid"):
            labels.for_folds(data, validated)
        return
    for models, extra in zip(blind, labels.for_folds(data, validated), strict=True):
        mean = told_by(networks)[models].mean(0, dtype=np.float64)
        assert extra.origin["networks"] == models
        np.testing.assert_array_equal(extra.rows.table["target"], mean.argmax(1))
        if soft:
            np.testing.assert_allclose(extra.rows.soft, mean / mean.sum(1, keepdims=True), atol=1e-6)
        else:
            assert extra.rows.soft is None


def test_where_both_runs_have_the_same_split_a_fold_is_labelled_by_the_network_of_the_same_fold(source) -> None:
    folds = PersonGroupKFold(folds=4).assign(people(Path()).train, seed=3)
    data, run = source(folds)
    validated = [frozenset(data.train["person"][folds == number]) for number in range(4)]
    extras = PseudoLabels(run=str(run.root.parent), threshold=0.0, soft=True).for_folds(data, validated)
    assert [extra.origin["networks"] for extra in extras] == [[0], [1], [2], [3]]
    for number, extra in enumerate(extras):
        np.testing.assert_allclose(extra.rows.soft, told_by(4)[number], atol=1e-6)
        assert extra.origin["run"] == "first 0123456789" and len(extra.origin["predictions"][0]) == 64


def test_only_test_images_that_the_run_is_sure_of_are_taken(source) -> None:
    data, run = source(of_persons([0, 0, 0, 0, 1, 1, 1, 1]))
    sure = told_by(2).mean(0).max(1)
    threshold = float(np.sort(sure)[1:3].mean())
    (extra,) = PseudoLabels(run=str(run.root), threshold=threshold, soft=False).for_folds(data, [frozenset()])
    kept = np.flatnonzero(sure >= threshold)
    assert len(kept) == 2 and extra.origin["images"] == 2
    assert extra.rows.table["path"].tolist() == [f"t{at}" for at in kept]
    np.testing.assert_array_equal(extra.rows.table["target"], told_by(2).mean(0).argmax(1)[kept])
    assert extra.rows.table["person"].nunique() == 2
    largest = f"{sure.max():.3f}"
    with pytest.raises(DataError, match=f"no test image reaches threshold=0.999 in fold 1, the largest is {largest}"):
        PseudoLabels(run=str(run.root), threshold=0.999, soft=False).for_folds(data, [frozenset()])


def test_labels_follow_the_images_not_their_places(source) -> None:
    data, run = source(of_persons([0, 0, 0, 0, 1, 1, 1, 1]))
    turned = replace(data, test=data.test.iloc[[2, 0, 3]].reset_index(drop=True))
    (extra,) = PseudoLabels(run=str(run.root), threshold=0.0, soft=True).for_folds(turned, [frozenset()])
    np.testing.assert_allclose(extra.rows.soft, told_by(2).mean(0)[[2, 0, 3]], atol=1e-6)
    (extra,) = PseudoLabels(run=str(run.root), threshold=0.0, soft=True).for_folds(turned, [frozenset()], most=1)
    assert extra.rows.table["path"].tolist() == ["t2"]


def test_a_run_on_other_data_is_refused_in_one_sentence(source) -> None:
    data, run = source(of_persons([0, 0, 0, 0, 1, 1, 1, 1]))
    labels = PseudoLabels(run=str(run.root), threshold=0.0, soft=False)
    with pytest.raises(DataError, match="validates 'stranger', whom the run .* does not know"):
        labels.for_folds(data, [frozenset({"stranger"})])
    other = replace(data, test=data.test.assign(image_id=["t0", "t1", "new", "t3"]))
    with pytest.raises(DataError, match="has no prediction for test image 'new': a run on the same data"):
        labels.for_folds(other, [frozenset()])
    with pytest.raises(DataError, match="the data has no test images"):
        labels.for_folds(replace(data, test=data.test.head(0)), [frozenset()])
    with pytest.raises(DataError, match="has 3 classes, and they are not the 3 of"):
        labels.for_folds(replace(data, class_names=("y", "x", "z")), [frozenset()])


def test_the_sentence_of_another_split_names_the_one_to_take(source) -> None:
    data, run = source(of_persons([0, 0, 0, 0, 1, 1, 1, 1]))
    labels = PseudoLabels(run=str(run.root), threshold=0.0, soft=False)
    with pytest.raises(DataError, match=re.escape(f"PersonSplit.from_csv, path={str(run.folds)!r}")):
        labels.for_folds(data, [frozenset({"p0", "p7"})])


@pytest.mark.parametrize(("threshold", "soft"), [(1.5, True), (-0.1, True), ("high", False), (0.5, None)])
def test_a_threshold_is_a_probability_and_soft_a_switch(threshold: object, soft: object) -> None:
    with pytest.raises(DataError, match=r"^(threshold|soft) is "):
        PseudoLabels(run="runs/first", threshold=threshold, soft=soft)
