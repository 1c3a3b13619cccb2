from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulated_runs import write_run
from data.errors import DataError
from data.metadata import ImageData
from data.reading import read_data
from data.splits import PersonStratifiedKFold
from runners.run_folder import RunFolder
from runners.source_run import SourceRun, blind_models, read_source_run
from runners.state import read_arrays, write_arrays, write_json

STAMP = "20261101-120000-0123456789"


@pytest.fixture
def source(competition: Path, tmp_path: Path) -> RunFolder:
    """A finished run of two folds on the small competition, in runs/first."""
    data = read_data(competition)
    return finished(tmp_path / "runs/first" / STAMP, data, PersonStratifiedKFold(folds=2).assign(data.train, seed=0))


def finished(root: Path, data: ImageData, folds: np.ndarray) -> RunFolder:
    even = np.full((folds.max() + 1, len(data.train) + len(data.test), 18), 1 / 18, np.float32)
    return write_run(RunFolder(root), data, folds, even[0, : len(data.train)], even[:, len(data.train) :])


class Seen(SourceRun):
    """A run of whose networks only the persons that they saw are known."""

    def __init__(self, trained_on: list[frozenset[str]]) -> None:
        self.__dict__["trained_on"] = trained_on


PERSONS = st.frozensets(st.sampled_from("abcdef"))


@given(trained_on=st.lists(PERSONS, max_size=5), validated=PERSONS)
def test_blind_networks_are_all_that_saw_none_of_the_persons(
    trained_on: list[frozenset[str]], validated: frozenset[str]
) -> None:
    expected = [at for at, seen in enumerate(trained_on) if not any(person in seen for person in validated)]
    assert blind_models(Seen(trained_on), validated) == expected


def test_a_network_saw_whom_its_fold_does_not_validate_and_those_from_elsewhere(source: RunFolder) -> None:
    folds = pd.read_csv(source.folds)
    seen = read_source_run(str(source.root), "field").trained_on
    assert seen == [frozenset(folds["person"][folds["fold"] != number]) for number in (0, 1)]
    source.extra.write_text("fold,image_id,path,person,target\n1,x,x,stranger,0\n1,y,y,007,0\n")
    source.write_manifest()
    again = read_source_run(str(source.root), "field").trained_on
    assert again == [seen[0], seen[1] | {"stranger", "007"}]


def test_an_experiments_folder_means_its_newest_finished_run(source: RunFolder, competition: Path) -> None:
    data, experiment = read_data(competition), source.root.parent
    newer = finished(experiment / "20261102-120000-aaaaaaaaaa", data, np.arange(len(data.train)) // 42)
    finished(experiment / "20261103-120000-bbbbbbbbbb", data, np.arange(len(data.train)) // 42).manifest.unlink()
    found = read_source_run(str(experiment), "field")
    assert found.run == newer and found.name == "first aaaaaaaaaa"


def test_what_is_no_finished_run_is_refused_with_those_there_are(source: RunFolder) -> None:
    missing = source.root.parents[1] / "second"
    with pytest.raises(DataError, match=r"^extra_data takes a finished run, and .*second is none.*ones.*first"):
        read_source_run(str(missing), "extra_data")
    write_json(source.identity, {"mode": "fast"})
    source.write_manifest()
    with pytest.raises(DataError, match="extra_data: .* is a trial with --fast"):
        read_source_run(str(source.root), "extra_data")


@pytest.mark.parametrize("resealed", [False, True], ids=["a bit", "another array"])
def test_predictions_that_were_changed_are_refused(source: RunFolder, resealed: bool) -> None:
    path = source.fold(1).predictions
    if resealed:
        arrays = read_arrays(path)
        write_arrays(path, {**arrays, "test": arrays["test"][:, ::-1].copy() + np.float32(0.01)})
    else:
        body = bytearray(path.read_bytes())
        body[200] ^= 1
        path.write_bytes(body)
    with pytest.raises(DataError, match="predictions.npz is no longer what it was"):
        read_source_run(str(source.root), "field")


def test_a_run_without_predictions_of_its_folds_is_refused(source: RunFolder) -> None:
    for number in (0, 1):
        source.fold(number).predictions.unlink()
    source.write_manifest()
    with pytest.raises(DataError, match="has no predictions of single folds: an ordinary run would be right"):
        _ = read_source_run(str(source.root), "field").predictions
