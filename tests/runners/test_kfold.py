import csv
import json
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console
from same_results import assert_same_results
from sklearn.metrics import accuracy_score, f1_score

from data.cache import CachedImages, DecodedImages, cache_bytes
from data.cache_build import CacheSettings
from data.datasets import ImageDataset
from data.errors import DataError
from data.reading import read_data
from data.splits import PersonHoldout
from data.submission import check_submission
from data.transforms import resize
from runners import kfold
from runners.compute import Compute
from runners.experiment import Experiment
from runners.kfold import make_caches
from runners.main import run_experiment
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_checkpoint, read_json
from runners.workspace import Workspace

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)


def test_a_run_leaves_everything_that_was_promised(run, declare, competition: Path) -> None:
    folder, printed = run(declare())
    data = read_data(competition)
    folds = pd.read_csv(folder.folds, dtype={"image_id": str, "person": str})
    assert folds.groupby("person")["fold"].nunique().max() == 1

    oof = read_arrays(folder.oof)
    assert oof["probabilities"].dtype == np.float32 and oof["probabilities"].shape == (len(data.train), 18)
    np.testing.assert_allclose(oof["probabilities"].sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(oof["image_ids"], data.train["image_id"])
    np.testing.assert_array_equal(oof["targets"], data.train["target"])
    np.testing.assert_array_equal(oof["folds"], folds["fold"])

    scores, decisions = read_json(folder.scores), oof["probabilities"].argmax(1)
    assert scores["oof"]["f1"] == pytest.approx(f1_score(oof["targets"], decisions, average="macro"), abs=1e-12)
    for row in scores["folds"]:
        rows = oof["folds"] == row["fold"]
        assert row["f1"] == pytest.approx(f1_score(oof["targets"][rows], decisions[rows], average="macro"), abs=1e-12)
        assert row["accuracy"] == pytest.approx(accuracy_score(oof["targets"][rows], decisions[rows]), abs=1e-12)
        assert row["epochs"] == 3 and 1 <= row["best_epoch"] <= 3
    values = [row["f1"] for row in scores["folds"]]
    assert scores["f1_mean"] == pytest.approx(np.mean(values)) and scores["f1_sd"] == pytest.approx(
        np.std(values, ddof=1)
    )

    test = read_arrays(folder.test)["probabilities"]
    each = [read_arrays(folder.fold(k).predictions)["test"] for k in (0, 1)]
    np.testing.assert_allclose(test, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_array_equal(check_submission(folder.submission, data), test.argmax(1))

    with folder.fold(1).metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    best = max(rows, key=lambda row: float(row["valid_f1"]))
    checkpoint = read_checkpoint(folder.fold(1).best)
    assert checkpoint["metrics"]["epoch"] == int(best["epoch"]) and checkpoint["config"] == declare().record()
    assert f"F1 {scores['oof']['f1']:.4f}" in printed and str(folder.submission) in printed.replace("\n", "")
    assert Experiment.from_record(read_json(folder.record)).name == "tiny"
    assert folder.source.read_text() == '"""Does it run?"""\n'
    assert set(read_json(folder.identity)) == {"experiment", "split", "data", "files", "sources", "code", "mode"}
    assert [row["persons"] for row in scores["folds"]] == [6, 6] and scores["oof"]["persons"] == 12
    assert set(json.loads(folder.environment.read_text())) >= {"python", "versions", "compute", "data"}


def test_out_of_fold_probabilities_are_those_of_the_folds_best_weights(run, declare, competition: Path) -> None:
    experiment = declare(tta=declare().tta[:1])
    folder, _ = run(experiment)
    data, oof = read_data(competition), read_arrays(folder.oof)
    model = experiment.model(num_classes=18)
    model.load_state_dict(read_checkpoint(folder.fold(0).best)["model"])
    from data.images import decode_rgb

    rows = np.flatnonzero(oof["folds"] == 0)[:4]
    transform = experiment.valid_transform()
    paths = [data.root / data.train["path"][row] for row in rows]
    images = [transform(decode_rgb(path, min_size=transform.size), (0,)) for path in paths]
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(np.stack(images))).softmax(1)
    np.testing.assert_allclose(oof["probabilities"][rows], expected.numpy(), atol=1e-5)


def test_where_not_all_images_fit_the_test_images_are_decoded_once_even_so(
    declare, competition: Path, tmp_path: Path
) -> None:
    data, console = read_data(competition), Console(width=100, record=True, file=open(os.devnull, "w"))
    settings = CacheSettings(tmp_path, cache_bytes(len(data.test), (32, 24)), processes=1)
    (cache,) = make_caches(settings, declare(), data, console)
    assert set(cache.row_of) == set(data.test["path"])
    assert "cache   of 21 images only, the others are decoded in every epoch" in console.export_text()
    kinds = [
        type(ImageDataset(data.root, table, declare().valid_transform(), seed=0, caches=[cache]).images)
        for table in (data.test, data.train)
    ]
    assert kinds == [CachedImages, DecodedImages]
    bigger = declare(valid_transform=partial(resize, size=(48, 32)))
    whole = CacheSettings(tmp_path, cache_bytes(len(data.train) + len(data.test), (48, 32)), processes=1)
    sizes = [(each.size, len(each.row_of)) for each in make_caches(whole, bigger, data, console)]
    assert sizes == [((32, 24), 105), ((48, 32), 21)], "a command gives up none of its own caches"


def test_what_a_run_prints_fits_and_is_plain_text(declare, competition: Path, tmp_path: Path) -> None:
    """A question may be long and hold what looks like markup; so may a folder's name, which is never broken."""
    source = tmp_path / "tiny.py"
    source.write_text(f'"""Is [red]this[/red] {"very " * 30}long?"""')
    data = tmp_path / "[bold]data" / "sample"
    shutil.copytree(competition, data)
    (data / "train/images/.DS_Store").write_text("hidden")
    console = Console(width=100, record=True, file=open(os.devnull, "w"))
    cache = CacheSettings(tmp_path / "cache", limit=0, processes=1)
    folder = run_experiment(declare(), source, Workspace(data, tmp_path / "runs", CPU, cache, True, console))
    printed = console.export_text()
    assert "tiny: Is [red]this[/red] very" in printed and f"data    {data}" in printed
    assert not [line for line in printed.splitlines() if len(line.replace(str(tmp_path), "")) > 100]
    assert f"submission   {folder.submission}" in printed
    for warning in read_data(data).warnings:
        assert f"warning {warning}" in printed


def test_the_same_command_shows_a_finished_run_and_trains_nothing(run, declare) -> None:
    first, _ = run(declare())
    times = {path: path.stat().st_mtime_ns for path in first.root.rglob("*")}
    again, printed = run(declare())
    assert again == first and "(finished)" in printed and "epoch 1" not in printed
    assert {path: path.stat().st_mtime_ns for path in first.root.rglob("*")} == times


def test_another_declaration_is_another_run(run, declare) -> None:
    first, _ = run(declare(epochs=1, criterion="ce"))
    second, _ = run(declare(epochs=1, criterion="ce", seed=4))
    assert first != second and first.finished and second.finished


def test_two_runs_of_one_declaration_have_the_same_bits(run, declare, tmp_path: Path) -> None:
    first, _ = run(declare())
    first.root.rename(tmp_path / "first")
    second, _ = run(declare())
    assert_same_results(RunFolder(tmp_path / "first"), second)


def test_a_holdout_is_scored_on_what_it_validates(run, declare, competition: Path) -> None:
    folder, _ = run(declare(split=partial(PersonHoldout, valid_fraction=0.3), epochs=1, criterion="ce"))
    oof, scores = read_arrays(folder.oof), read_json(folder.scores)
    assert set(oof["folds"]) == {0} and len(oof["targets"]) < len(read_data(competition).train)
    assert len(scores["folds"]) == 1 and scores["f1_sd"] == 0.0


def test_early_stopping_ends_a_fold(run, declare) -> None:
    folder, _ = run(declare(epochs=30, patience=1, scheduler=None))
    epochs = [row["epochs"] for row in read_json(folder.scores)["folds"]]
    assert max(epochs) < 30


def test_corrections_are_applied_counted_and_kept_with_the_run(run, declare, competition: Path, tmp_path: Path) -> None:
    person = read_data(competition).train.iloc[0]
    right = "male" if person["gender"] == 1 else "female"
    wrong = "female" if person["gender"] == 1 else "male"
    file = tmp_path / "corrections.csv"
    file.write_text(
        f"id,path,stem,field,from,to,reason\n{person['id']},{person['person']},,gender,{wrong},{right},seen\n"
    )
    folder, printed = run(declare(corrections=str(file), epochs=1, criterion="ce"))
    assert "7 images corrected by" in printed
    assert folder.corrections.read_text() == file.read_text()
    oof, data = read_arrays(folder.oof), read_data(competition)
    assert (oof["targets"] != data.train["target"]).sum() == 7


def test_fast_goes_through_every_stage_and_is_no_result(run, declare, tmp_path: Path) -> None:
    folder, printed = run(declare(), fast=True)
    assert folder.finished and folder.root.is_relative_to(tmp_path / "runs" / ".fast")
    assert len(pd.read_csv(folder.submission)) == 8
    assert "epoch 1/2" in printed and "epoch 2/2" in printed  # one for each criterion


def test_a_criterion_that_is_never_finite_is_one_sentence(run, declare) -> None:
    from torch.optim import SGD

    with pytest.raises(DataError, match="NaN or infinite in 5 batches in a row"):
        run(declare(optimizer=partial(SGD, lr=1e30), clip_norm=None, accumulate=1, criterion="ce"))


def test_timm_is_imported_once_before_folds_are_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forked(Exception):
        pass

    calls = []

    def fork(*folds: object, jobs: int, ended: object) -> None:
        calls.append(f"{jobs} forks")
        raise Forked

    monkeypatch.setattr(kfold, "import_timm", lambda: calls.append("import"))
    monkeypatch.setattr(kfold, "run_in_processes", fork)
    fold = SimpleNamespace(compute=replace(CPU, jobs=2))
    with pytest.raises(Forked):
        kfold.execute([fold, fold], None)
    assert calls == ["import", "2 forks"]
