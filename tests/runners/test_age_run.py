"""Ages in years through whole runs: on disk, out of fold, accumulated, killed and continued."""

import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import mean_absolute_error, mean_squared_error
from torch.nn.functional import huber_loss

from callbacks.regression import age_absolute_error, age_squared_error
from data.age_boundary import drop_ages, soften_ages
from data.ages import age_shares, years_of_shares
from data.balanced_samplers import oversampled
from data.cache_build import CacheSettings
from data.reading import read_data
from data.splits import PersonHoldout
from runners.age_regression import YearsError, age_regression
from runners.compute import Compute
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.factor_criteria import FactorCrossEntropy
from runners.fold_loaders import make_loaders
from runners.main import run_experiment
from runners.refusals import unwritten_fold
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_json
from runners.workspace import Workspace


class Killed(BaseException):
    """Ends a run at once, as a signal does: nobody catches it."""


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    return tmp_path / "printed.txt"


@pytest.fixture
def run(tmp_path: Path, competition: Path, printed: Path):
    """Runs an experiment on the small competition, in a folder of its own."""
    source = tmp_path / "tiny.py"
    source.write_text('"""Does it run?"""\n')

    def start(experiment: Experiment, folder: str) -> RunFolder:
        compute, cache = Compute(device="cpu", threads=1, workers=0, jobs=1), CacheSettings(tmp_path, 0, 1)
        with printed.open("w") as file:
            console = Console(file=file, width=200)
            workspace = Workspace(competition, tmp_path / folder, compute, cache, False, console)
            return run_experiment(experiment, source, workspace)

    return start


def in_years(declare, **changes) -> Experiment:
    """A sum of three losses, one on years and one on softened classes, two batches a step, two views, a sampler."""
    fields = {
        "epochs": 2,
        "split": partial(PersonHoldout, valid_fraction=0.3),
        "model": partial(age_regression, backbone="test_resnet", pretrained=None, drop_rate=0.2, age_spread=3.0),
        "freeze_epochs": 0,
        "age_boundary": partial(soften_ages, youngest=50, oldest=60, age_spread=1.0),
        "criteria": {
            "ce": partial(CrossEntropy),
            "mask_gender": partial(FactorCrossEntropy, factors=("mask", "gender")),
            "years": partial(YearsError, loss=partial(huber_loss, delta=5.0)),
        },
        "criterion": {1: {"mask_gender": 1.0, "years": 0.02}, 2: {"mask_gender": 1.0, "ce": 0.5, "years": 0.02}},
        "sampler": partial(oversampled, by="gender", absent="skip"),
        "metrics": {
            "age_mae": partial(age_absolute_error, age_spread=3.0),
            "age_mse": partial(age_squared_error, age_spread=3.0),
        },
        "monitor": ("age_mae", "min"),
    }
    return declare(**(fields | changes))


def test_years_are_trained_logged_and_scored_and_a_killed_run_ends_with_the_same_bits(
    run, declare, competition: Path, printed: Path, monkeypatch
) -> None:
    whole = run(in_years(declare), "whole")
    replace, states = os.replace, []

    def kill_after_an_epoch(source: object, target: object) -> None:
        states.append(Path(str(target)).name)
        replace(source, target)
        if states.count("state.pth") == 1:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", kill_after_an_epoch)
        with pytest.raises(Killed):
            run(in_years(declare), "killed")
    continued = run(in_years(declare), "killed")
    for name in ("oof.npz", "test.npz", "scores.json"):
        assert (whole.root / name).read_bytes() == (continued.root / name).read_bytes(), name
    assert whole.fold(0).metrics.read_bytes() == continued.fold(0).metrics.read_bytes()

    log = np.genfromtxt(whole.fold(0).metrics, delimiter=",", names=True)
    for loader in ("train", "valid"):
        assert np.isfinite(log[f"{loader}_age_mae"]).all() and (log[f"{loader}_age_mae"] < 60).all()
        assert (log[f"{loader}_age_mse"] >= log[f"{loader}_age_mae"] ** 2).all()
        assert np.isfinite(log[f"{loader}_loss_years"]).all()
    out_of_fold, scores = read_arrays(whole.oof), read_json(whole.scores)["oof"]
    years = read_data(competition).train.set_index("image_id").loc[out_of_fold["image_ids"], "years"]
    predicted = years_of_shares(age_shares(out_of_fold["probabilities"]), 3.0)
    assert f"metrics      age_mae {scores['age_mae']:.4f}, age_mse {scores['age_mse']:.4f}\n" in printed.read_text()
    assert scores["age_mae"] == pytest.approx(mean_absolute_error(years, predicted), abs=1e-9)
    assert scores["age_mse"] == pytest.approx(mean_squared_error(years, predicted), abs=1e-9)


def test_ages_left_out_of_training_are_validated_and_the_header_says_how_many(
    run, declare, competition: Path, printed: Path
) -> None:
    table = read_data(competition).train
    youngest = int(table["years"].median())
    outside = ~table["years"].between(youngest, youngest + 5)
    boundary = partial(drop_ages, youngest=youngest, oldest=youngest + 5, absent="skip")
    experiment = declare(epochs=1, criterion="ce", age_boundary=boundary)
    done = run(experiment, "runs")
    out_of_fold = read_arrays(done.oof)
    assert sorted(out_of_fold["image_ids"]) == sorted(table["image_id"]), "all are validated"
    persons = table.loc[~outside, "person"].nunique()
    expected = (
        f"ages    {youngest} to {youngest + 5}: {(~outside).sum()} images of {persons} persons are left out of tr"
    )
    assert 0 < persons < table["person"].nunique() and expected in printed.read_text()
    for number in (0, 1):
        fold = unwritten_fold(experiment, read_data(competition), out_of_fold_folds(table, done), number)
        trained = set(make_loaders(fold)["train"].dataset.image_ids)
        assert trained == set(table["image_id"][outside & (out_of_fold_folds(table, done) != number)])


def out_of_fold_folds(table, done: RunFolder) -> np.ndarray:
    """The fold (N,) that validates each image."""
    arrays = read_arrays(done.oof)
    folds = dict(zip(arrays["image_ids"].tolist(), arrays["folds"].tolist(), strict=True))
    return table["image_id"].map(folds).to_numpy()


def test_the_record_rebuilds_losses_of_years_and_the_boundary(declare) -> None:
    experiment = in_years(declare)
    record = json.loads(json.dumps(experiment.record()))
    rebuilt = Experiment.from_record(record)
    assert json.loads(json.dumps(rebuilt.record())) == record
    assert rebuilt.criteria["years"].keywords["loss"].keywords == {"delta": 5.0}
    assert rebuilt.age_boundary.func is soften_ages and rebuilt.criterion_schedule == experiment.criterion_schedule
