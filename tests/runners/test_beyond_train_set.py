"""Whole runs with images and labels from elsewhere, and fits on everything: what they leave, and what a kill leaves."""

import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from analysis.run_predictions import read_predictions
from callbacks.average import EMA
from data.balanced_samplers import oversampled
from data.cache_build import CacheSettings
from data.errors import DataError
from data.external import ExternalImages
from data.mixing import Mixup
from data.reading import read_data
from data.splits import PersonHoldout
from data.submission import check_submission
from data.synthetic import write_sample
from data.whole_train_set import WholeTrainSet
from runners.compute import Compute
from runners.criteria import CrossEntropy, inverse_frequency
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.pseudo_labels import PseudoLabels
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_checkpoint, read_json
from runners.workspace import Workspace

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
HOLDOUT = partial(PersonHoldout, valid_fraction=0.3)


class Killed(BaseException):
    """Ends a run at once, as a signal does: nobody catches it."""


@pytest.fixture
def run(tmp_path: Path, competition: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs an experiment on the small competition; `kill` ends it before its last epoch is committed."""

    def start(experiment: Experiment, cache: int = 0, kill: bool = False) -> tuple[RunFolder, str]:
        source = tmp_path / f"{experiment.name}.py"
        source.write_text('"""Does it run?"""\n')
        console = Console(width=80, record=True, file=open(os.devnull, "w"))
        settings = CacheSettings(tmp_path / "cache", cache, 1)
        arguments = (experiment, source, Workspace(competition, tmp_path / "runs", CPU, settings, False, console))
        with monkeypatch.context() as patch:
            if kill:
                commits, replace = [], os.replace

                def count(first: object, second: object) -> None:
                    commits.append(Path(str(second)).name)
                    if commits.count("state.pth") == experiment.epochs:
                        raise Killed
                    replace(first, second)

                patch.setattr(os, "replace", count)
                with pytest.raises(Killed):
                    run_experiment(*arguments)
                return RunFolder(tmp_path), ""
            return run_experiment(*arguments), console.export_text()

    return start


@pytest.fixture
def small(declare):
    """Two epochs of one criterion on one fold; keywords replace fields."""

    def experiment(**changes: object) -> Experiment:
        return declare(**{"epochs": 2, "criterion": "ce", "split": HOLDOUT, "tta": declare().tta[:1], **changes})

    return experiment


def weights_of(folder: RunFolder, file: str, part: str, fold: int = 0) -> torch.Tensor:
    values = read_checkpoint(folder.root / f"fold_{fold}" / file)[part]
    return torch.cat([tensor.double().flatten() for tensor in values.values()])


def test_with_everything_else_switched_on_a_killed_run_ends_with_the_same_bits(
    run, small, competition: Path, tmp_path: Path
) -> None:
    external, data = tmp_path / "external", read_data(competition)
    write_sample(external, train_persons=2, eval_persons=1, size=(64, 48), seed=7)
    first, _ = run(small(name="first"))
    experiment = small(
        extra_data=(
            partial(ExternalImages, path=str(external)),
            partial(PseudoLabels, run=str(tmp_path / "runs/first"), threshold=0.0, soft=True),
        ),
        criteria={"ce": partial(CrossEntropy, class_weights=inverse_frequency)},
        sampler=partial(oversampled, by="gender", absent="refuse"),
        mix=partial(Mixup, alpha=0.4, probability=0.5, partners="any"),
    )
    folder, printed = run(experiment, cache=2**30)
    assert "14 images more to train each fold on" in printed and f"{len(data.test)} images more" in printed
    assert "105 images are compared with 14 external ones" in printed
    oof = read_arrays(folder.oof)
    assert set(oof["image_ids"]) <= set(data.train["image_id"]), "nothing from elsewhere is scored"
    assert len(pd.read_csv(folder.extra)) == 14 + len(data.test)
    assert read_json(folder.sources)["extra_data"][1][0]["run"] == f"first {first.root.name[-10:]}"
    folder.root.rename(tmp_path / "unkilled")
    run(experiment, kill=True)
    continued, printed = run(experiment)  # decoded now, not cached
    assert "(continued)" in printed and "are compared with" not in printed
    for name in ("oof.npz", "test.npz", "scores.json", "sources.json", "extra.csv", "fold_0/metrics.csv"):
        assert (continued.root / name).read_bytes() == (tmp_path / "unkilled" / name).read_bytes()

    path = first.fold(0).predictions
    path.write_bytes(path.read_bytes()[:-9] + b"tampered!")
    with pytest.raises(DataError, match="predictions.npz is no longer what it was"):
        run(experiment)


def test_an_external_copy_is_refused_before_a_run_has_a_folder(run, small, competition: Path, tmp_path: Path) -> None:
    data = read_data(competition)
    shutil.copy(competition / data.train["path"].iloc[30], tmp_path / "mine.jpg")
    (tmp_path / "mine.csv").write_text('path,label,group\nmine.jpg,"worn, male, <30",somebody\n')
    with pytest.raises(DataError, match=r"mine.jpg' is the same file as '.*', a training image of the data"):
        run(small(extra_data=(partial(ExternalImages, path=str(tmp_path / "mine.csv")),)))
    assert not (tmp_path / "runs").exists()


def test_final_fits_train_on_everybody_for_the_epochs_found_and_predict_the_test_images(
    run, small, competition: Path, tmp_path: Path
) -> None:
    run(small(name="first"))
    found = int(read_arrays(next((tmp_path / "runs/first").glob("*/fold_0/predictions.npz")))["best_epoch"])
    split = partial(WholeTrainSet, fits=2, epochs_of=str(tmp_path / "runs/first"))
    experiment = small(split=split, epochs=3, patience=1, average=partial(EMA, decay=0.9, warmup=1))
    folder, printed = run(experiment)
    assert f"fits 2, epochs of each {found}, the median of {found} in first" in printed.replace("\n", " ")
    assert "out-of-fold  none: 2 fits on all images" in printed and not folder.oof.exists()
    assert read_json(folder.scores)["fits"] == [{"fit": fit, "epochs": found} for fit in (0, 1)]
    assert (pd.read_csv(folder.folds)["fold"] == -1).all()
    log = pd.read_csv(folder.fold(0).metrics)
    assert len(log) == found and not any(name.startswith("valid_") for name in log)

    data, test = read_data(competition), read_arrays(folder.test)["probabilities"]
    each = [read_arrays(folder.fold(fit).predictions)["test"] for fit in (0, 1)]
    assert np.abs(each[0] - each[1]).max() > 1e-6, "each fit has a seed of its own"
    np.testing.assert_allclose(test, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_array_equal(check_submission(folder.submission, data), test.argmax(1))
    with pytest.raises(DataError, match="is a final fit on all images: nothing was validated"):
        read_predictions(folder)


def test_a_killed_final_fit_ends_with_the_same_bits_and_an_average_does_not_change_what_is_trained(
    run, small, tmp_path: Path
) -> None:
    split = partial(WholeTrainSet, fits=1, epochs_of=None)
    averaged = small(split=split, average=partial(EMA, decay=0.9, warmup=1))
    whole, _ = run(averaged)
    plain, _ = run(small(split=split, name="plain"))
    assert torch.equal(weights_of(whole, "state.pth", "model"), weights_of(plain, "state.pth", "model"))
    assert not torch.equal(weights_of(whole, "best.pth", "model"), weights_of(plain, "best.pth", "model"))
    assert torch.equal(weights_of(plain, "best.pth", "model"), weights_of(plain, "state.pth", "model")), "the last"
    whole.root.rename(tmp_path / "unkilled")
    run(averaged, kill=True)
    continued, printed = run(averaged)
    assert "(continued)" in printed
    for name in ("test.npz", "scores.json", "submission.csv", "fold_0/metrics.csv", "fold_0/predictions.npz"):
        assert (continued.root / name).read_bytes() == (tmp_path / "unkilled" / name).read_bytes()
