"""A submission's form is learnt from runs or files: order, header, integers or label texts."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.submissions.form import find_form, form_of_file, form_of_run
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from data.submission import submission_form, write_submission
from runners.run_folder import RunFolder, list_runs
from runners.state import read_arrays, read_json, write_arrays, write_json


@pytest.fixture
def run(trial: Trial) -> RunFolder:
    return list_runs(trial.runs)[0]


def test_a_run_of_the_mask_competition_answers_integers(trial: Trial, run: RunFolder) -> None:
    assert form_of_run(run) == submission_form(trial.data)


def test_a_final_fit_has_the_form_of_any_run(trial: Trial, run: RunFolder) -> None:
    run.oof.unlink()
    write_json(run.scores, {"classes": read_json(run.scores)["classes"], "fits": []})
    assert form_of_run(run) == submission_form(trial.data)


@pytest.mark.parametrize("names", [
    [f"label {number}" for number in range(18)],
    [str(number) for number in range(18)],                      # as those of sign_digits: both readings are one
    [str(number) for number in (1, 0, *range(2, 18))],          # not those of the mask competition, though integers
])
def test_a_generic_run_answers_label_texts(trial: Trial, run: RunFolder, names: list[str]) -> None:
    data = replace(trial.data, form="csv", class_names=tuple(names), id_column="path", answer_column="label")
    write_json(run.scores, {**read_json(run.scores), "classes": names})
    test = read_arrays(run.test)
    write_submission(run.submission, data, test["image_ids"].tolist(), test["probabilities"].argmax(1))
    assert form_of_run(run) == submission_form(data)


def test_a_submission_that_is_not_the_runs_own_is_refused(run: RunFolder) -> None:
    test = read_arrays(run.test)
    write_arrays(run.test, {**test, "probabilities": np.roll(test["probabilities"], 1, axis=1)})
    with pytest.raises(DataError, match="its answers are not what test.npz predicts"):
        form_of_run(run)
    write_arrays(run.test, {**test, "image_ids": test["image_ids"][::-1]})
    with pytest.raises(DataError, match="its 140 ids are not the 140 of test.npz in that order"):
        form_of_run(run)
    run.submission.unlink()
    with pytest.raises(DataError, match="has no submission.csv: it is not finished, or its data has no test images"):
        form_of_run(run)


def test_a_file_tells_columns_and_ids_and_the_mask_competition_s_tell_the_classes(tmp_path: Path) -> None:
    path = tmp_path / "info.csv"
    path.write_text("ImageID,ans\nb.jpg,0\na.jpg,0\n")
    form = form_of_file(path)
    assert (form.id_column, form.answer_column, form.ids) == ("ImageID", "ans", ("b.jpg", "a.jpg"))
    assert form.answers == tuple(map(str, range(18))) and form_of_file(path, 3).answers == ("0", "1", "2")
    path.write_text("path,label\nb.jpg,ant\na.jpg,bee\n")
    assert form_of_file(path).answers == ()
    path.write_text("path,label,p\nb.jpg,ant,1\n")
    with pytest.raises(DataError, match="row 1: 3 columns; expected 2, ids and answers"):
        form_of_file(path)
    path.write_text("path,label\nb.jpg,ant\nb.jpg,bee\n")
    with pytest.raises(DataError, match="id 'b.jpg' is there twice"):
        form_of_file(path)


def test_the_run_with_most_of_the_ids_is_found_of_equal_ones_the_latest(trial: Trial, tmp_path: Path) -> None:
    runs = list_runs(trial.runs)
    ids = form_of_run(runs[0]).ids
    assert find_form(trial.runs, ids)[1] == runs[2]
    other = RunFolder(trial.runs / "run_9" / "20261124-150000-ffffffffff")      # later, of another competition
    shutil.copytree(runs[0].root, other.root)
    test = read_arrays(other.test)
    renamed = np.array([f"t{number}.jpg" for number in range(140)])
    write_arrays(other.test, {**test, "image_ids": renamed})
    other.submission.write_text(
        "ImageID,ans\n" + "".join(f"t{row},{answer}\n" for row, answer in zip(
            (f"{number}.jpg" for number in range(140)), test["probabilities"].argmax(1), strict=True)))
    assert find_form(trial.runs, ids[:3])[1] == runs[2]
    runs[2].submission.write_text("damaged")
    assert find_form(trial.runs, ids[:3])[1] == runs[1]
    assert find_form(trial.runs, ["t5.jpg"])[1] == other
    assert find_form(trial.runs, ["nothing"])[1] == other
    with pytest.raises(DataError, match="No finished run in .*none has a submission to go by.*--like FILE"):
        find_form(tmp_path / "none", ids)
