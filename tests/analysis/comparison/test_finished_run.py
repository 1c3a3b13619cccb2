import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from analysis.comparison.finished_run import FinishedRun, read_finished_run
from data.errors import DataError
from runners.run_folder import RunFolder, latest_finished
from runners.state import read_arrays, read_json, write_json, write_table, write_text

Read = Callable[[str], FinishedRun]


@pytest.fixture
def folder(runs: Path) -> RunFolder:
    found = latest_finished(runs, "run_1")
    assert found is not None
    return found


def test_reads_what_the_run_asked_declared_and_scored(read: Read, folder: RunFolder) -> None:
    run, scores, arrays = read("run_1"), read_json(folder.scores), read_arrays(folder.oof)
    assert (run.experiment, run.parent, run.question) == ("run_1", "run_0", "Does a longer run help?")
    assert run.name == f"run_1/{folder.root.name}" and run.short_name == "run_1 b2c3d4" and run.date == "2026-11-23"
    assert run.record["epochs"] == 9 and run.identity["data"] == "images"
    expected = f1_score(arrays["targets"], arrays["probabilities"].argmax(1), average="macro")
    assert run.f1 == pytest.approx(expected, abs=1e-12)
    assert (run.f1_mean, run.f1_sd) == (scores["f1_mean"], scores["f1_sd"])
    assert [fold.f1 for fold in run.folds] == [row["f1"] for row in scores["folds"]]
    assert run.ground.image_ids.tolist() == sorted(arrays["image_ids"].tolist())
    place = np.searchsorted(run.ground.image_ids, arrays["image_ids"])
    assert (run.labels[place] == arrays["probabilities"].argmax(1)).all()


def test_time_is_that_of_all_folds(read: Read) -> None:
    first = read("run_0")
    assert first.seconds == 5 * 1.5 and first.untimed == 0  # the trial's folds say they took one epoch each


def test_an_epoch_whose_time_a_kill_took_is_counted(folder: RunFolder) -> None:
    scores = read_json(folder.scores)
    for row in scores["folds"]:
        row["epochs"] = 3
    write_json(folder.scores, scores)
    rows = [{"epoch": 1, "seconds": 10.25, "images": 7}, {"epoch": 3, "seconds": 20, "images": 7}]
    write_table(folder.fold(0).timing, rows)
    folder.fold(1).timing.unlink()
    folder.write_manifest()
    run = read_finished_run(folder)
    assert [fold.seconds for fold in run.folds] == [30.25, None, 4.0, 4.0, 4.0]
    assert [fold.untimed for fold in run.folds] == [1, 3, 1, 1, 1]
    assert run.seconds == 42.25 and run.untimed == 7


def test_a_run_that_keeps_no_declaration_is_still_read(folder: RunFolder) -> None:
    for path in (folder.source, folder.record, folder.identity, *folder.root.glob("fold_*/timing.csv")):
        path.unlink()
    folder.write_manifest()
    run = read_finished_run(folder)
    assert (run.question, run.parent, run.record, run.seconds) == ("", None, {}, None)


@pytest.mark.parametrize("name", ["scores.json", "oof.npz", "experiment.json", "experiment.py", "fold_0/timing.csv"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_file_that_is_not_what_the_run_wrote_is_named(folder: RunFolder, name: str, damage: str) -> None:
    path = folder.root / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match=f"{name} is {'gone' if damage == 'gone' else 'not the file its run wrote'}"):
        read_finished_run(folder)


def sealed_with(folder: RunFolder, name: str, text: str) -> None:
    write_text(folder.root / name, text)
    folder.write_manifest()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("scores.json", "{", "should hold JSON"),
        ("scores.json", "[]", "should hold one JSON object"),
        ("scores.json", "{}", "KeyError"),
        ("scores.json", '{"oof": {"f1": "x"}, "folds": []}', "is damaged"),
        ("scores.json", '{"oof": {"f1": 0.5}, "folds": [], "f1_mean": 0.5, "f1_sd": 0}', "scores of 0 folds"),
        ("experiment.json", "[1]", "should hold one JSON object"),
        ("experiment.py", "def (", "should hold the experiment's module"),
        ("fold_0/timing.csv", "epoch\n1\n", "no column seconds"),
        ("identity.json", '{"mode": "fast"}', "trial with --fast"),
    ],
)
def test_content_that_makes_no_sense_is_named(folder: RunFolder, name: str, text: str, words: str) -> None:
    sealed_with(folder, name, text)
    with pytest.raises(DataError, match=words):
        read_finished_run(folder)


def test_scores_that_are_of_other_predictions_are_refused(folder: RunFolder) -> None:
    scores = read_json(folder.scores)
    scores["oof"]["f1"] += 0.001
    write_json(folder.scores, scores)
    folder.write_manifest()
    with pytest.raises(DataError, match="tells an out-of-fold F1 of"):
        read_finished_run(folder)


def test_a_run_without_predictions_or_end_is_refused(folder: RunFolder) -> None:
    folder.oof.unlink()
    folder.write_manifest()
    with pytest.raises(DataError, match="has no oof.npz"):
        read_finished_run(folder)
    write_text(folder.manifest, "[]")
    with pytest.raises(DataError, match="MANIFEST.json is damaged"):
        read_finished_run(folder)
    folder.manifest.unlink()
    with pytest.raises(DataError, match="is not finished"):
        read_finished_run(folder)


def test_a_folder_in_place_of_a_file_is_a_sentence(folder: RunFolder) -> None:
    folder.scores.unlink()
    folder.scores.mkdir()
    with pytest.raises(DataError, match="can't be read"):
        read_finished_run(folder)
    shutil.rmtree(folder.scores)
