"""What a run's networks said of each image, read from its folder; files that do not fit are one sentence."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.mistakes.judged_images import read_judged_images
from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.run_folder import RunFolder
from runners.state import write_arrays


@pytest.fixture
def run(trial: Trial) -> RunFolder:
    return RunFolder(next(trial.runs.glob("run_0/*")))


def test_every_image_has_its_path_and_the_loss_of_its_true_class(run: RunFolder, trial: Trial) -> None:
    judged = read_judged_images(run)
    table = trial.data.train.set_index("image_id").loc[judged.image_ids.tolist()]
    assert judged.paths.tolist() == table["path"].tolist()
    assert judged.targets.tolist() == table["target"].tolist()
    assert judged.class_names == trial.data.class_names
    oof = read_predictions(run).oof.astype(np.float64)
    np.testing.assert_allclose(judged.losses, -np.log(oof[np.arange(len(oof)), judged.targets]))
    assert (judged.wrong == (oof.argmax(1) != judged.targets)).all() and 0 < judged.wrong.sum() < len(oof)
    person = str(judged.persons[9])
    assert set(judged.persons[judged.of_person(person)]) == {person} and len(judged.of_person(person)) == 7


def test_a_hold_out_judges_only_what_it_validated(run: RunFolder) -> None:
    arrays = {name: value[:21] for name, value in np.load(run.oof).items()}
    write_arrays(run.oof, arrays)
    assert len(read_judged_images(run).targets) == 21


def test_a_probability_of_zero_is_a_large_loss_not_an_infinite_one(run: RunFolder) -> None:
    arrays = dict(np.load(run.oof))
    arrays["probabilities"][0] = 0
    write_arrays(run.oof, arrays)
    assert 87 < read_judged_images(run).losses[0] < 88


@pytest.mark.parametrize("name", ["scores.json", "folds.csv"])
def test_a_missing_file_is_named(run: RunFolder, name: str) -> None:
    (run.root / name).unlink()
    with pytest.raises(DataError, match=f"has no {name}: only a whole run can be explained"):
        read_judged_images(run)


def test_files_that_do_not_fit_each_other_are_refused(run: RunFolder) -> None:
    scores = run.scores.read_text()
    run.scores.write_text(json.dumps(json.loads(scores) | {"classes": ["a", "b"]}))
    with pytest.raises(DataError, match="classes is no list of 18 names, one for each column"):
        read_judged_images(run)
    run.scores.write_text(scores)
    folds = pd.read_csv(run.folds, dtype=str)
    folds.iloc[1:].to_csv(run.folds, index=False)
    with pytest.raises(DataError, match=f"no row of '{folds['image_id'][0]}'"):
        read_judged_images(run)


def test_a_probability_that_is_not_finite_and_a_class_that_is_not_there_are_refused(run: RunFolder) -> None:
    sound = dict(np.load(run.oof))
    for name, value in (("probabilities", np.nan), ("targets", 18)):
        arrays = {key: array.copy() for key, array in sound.items()}
        arrays[name][3] = value
        write_arrays(run.oof, arrays)
        with pytest.raises(DataError, match=f"'{sound['image_ids'][3]}' has a probability that is not finite, or a"):
            read_judged_images(run)


@pytest.mark.parametrize("place", ["/etc/passwd", "../../secret.jpg", "a/../../b.jpg"])
def test_a_run_folder_names_no_image_outside_the_data(run: RunFolder, place: str) -> None:
    """Its pictures would be read from there, and shown in a report."""
    folds = pd.read_csv(run.folds, dtype=str)
    folds.loc[3, "path"] = place
    folds.to_csv(run.folds, index=False)
    with pytest.raises(DataError, match=f"folds.csv: path is '{place}'; expected one below the data folder"):
        read_judged_images(run)


def test_an_id_that_is_kept_from_being_a_formula_is_found(run: RunFolder) -> None:
    folds, arrays = pd.read_csv(run.folds, dtype=str), dict(np.load(run.oof))
    arrays["image_ids"] = arrays["image_ids"].astype("<U99")
    row = int(np.flatnonzero(arrays["image_ids"] == folds["image_id"][3])[0])
    arrays["image_ids"][row] = "=1+1"
    folds.loc[3, ["image_id", "path"]] = ["'=1+1", "'=1+1.jpg"]
    folds.to_csv(run.folds, index=False)
    write_arrays(run.oof, arrays)
    assert read_judged_images(run).paths[row] == "=1+1.jpg"
