import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from callbacks.regression import age_absolute_error
from data.cache import DecodedImages
from data.cache_build import CacheSettings
from data.errors import DataError
from data.reading import read_data
from data.splits import PersonStratifiedKFold
from data.transforms import resize
from data.whole_train_set import WholeTrainSet
from runners.compute import Compute
from runners.cosine_head import cosine_classifier
from runners.linear_probe import LinearProbe
from runners.main import run_experiment
from runners.models import timm_classifier
from runners.probe_run import check_probe
from runners.run_folder import RunFolder
from runners.state import TEMPORARY, read_arrays, read_checkpoint, read_json
from runners.views import hflip, identity
from runners.workspace import Workspace

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
SIZE = (32, 24)
CLASSIFIER = partial(LogisticRegression, C=0.05, max_iter=200)


def pixels(root: Path, paths: "pd.Series[str]") -> torch.Tensor:
    """Images (n, H, W, 3) as a network takes them."""
    decoded, transform = DecodedImages([root / path for path in paths], SIZE), resize(size=SIZE)
    return torch.from_numpy(np.stack([transform(decoded[row], (0, 0, 0)) for row in range(len(paths))]))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Weights of a small network, which count as pretrained."""
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    network = timm_classifier(num_classes=18, backbone="test_resnet", pretrained=None, drop_rate=0.0).backbone
    torch.save(network.state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def probe(weights: str) -> Callable[..., LinearProbe]:
    def declare(**changes: Any) -> LinearProbe:
        fields = {
            "name": "tiny",
            "parent": None,
            "seed": 3,
            "split": partial(PersonStratifiedKFold, folds=2),
            "corrections": None,
            "batch_size": 8,
            "model": partial(timm_classifier, backbone="test_resnet", pretrained=weights, drop_rate=0.0),
            "classifier": CLASSIFIER,
            "valid_transform": partial(resize, size=SIZE),
            "metrics": {},
            "tta": (identity, hflip),
        }
        return LinearProbe(**(fields | changes))

    return declare


@pytest.fixture(scope="module")
def run(competition: Path) -> Callable[..., tuple[RunFolder, str]]:
    """Runs a probe on the small competition; returns its folder and what was printed."""

    def start(folder: Path, probe: LinearProbe, *, fast: bool = False, limit: int = 0) -> tuple[RunFolder, str]:
        source = folder / "tiny.py"
        source.write_text('"""Does it run?"""\n')
        console = Console(width=100, record=True, file=open(os.devnull, "w"))
        cache = CacheSettings(folder / "cache", limit, 1)
        workspace = Workspace(competition, folder / "runs", CPU, cache, fast, console)
        finished = run_experiment(probe, source, workspace)
        return finished, console.export_text()

    return start


@pytest.fixture(scope="module")
def finished(run, probe, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder, printed = run(tmp_path_factory.mktemp("finished"), probe())
    assert folder.finished and "f1 " in printed
    return folder


def upset_shape(images: torch.Tensor) -> torch.Tensor:
    return images.flatten()


def test_a_probe_is_the_run_that_scikit_learn_makes(finished: RunFolder, weights: str, competition: Path) -> None:
    data = read_data(competition)
    folds = pd.read_csv(finished.folds)["fold"].to_numpy()
    network = timm_classifier(num_classes=18, backbone="test_resnet", pretrained=weights, drop_rate=0.0)
    network.backbone.reset_classifier(0)
    network.eval()

    def views(table: pd.DataFrame) -> list[Any]:
        batch = pixels(data.root, table["path"])
        with torch.inference_mode():
            return [network(seen).numpy().astype(np.float64) for seen in (batch, batch.flip(2))]

    train, test, targets = views(data.train), views(data.test), data.train["target"].to_numpy()
    oof, handed_in = np.zeros((len(targets), 18)), np.zeros((len(data.test), 18))
    for number in (0, 1):
        inside = folds != number
        pipeline = make_pipeline(StandardScaler(), CLASSIFIER())
        pipeline.fit(np.concatenate([view[inside] for view in train]), np.tile(targets[inside], 2))
        columns = pipeline[-1].classes_
        assert len(columns) < 18, "some classes are absent from every fold of twelve persons"
        oof[np.ix_(~inside, columns)] = np.mean([pipeline.predict_proba(view[~inside]) for view in train], axis=0)
        handed_in[:, columns] += np.mean([pipeline.predict_proba(view) for view in test], axis=0) / 2
    arrays, scores = read_arrays(finished.oof), read_json(finished.scores)
    np.testing.assert_allclose(arrays["probabilities"], oof, atol=2e-4)
    np.testing.assert_allclose(read_arrays(finished.test)["probabilities"], handed_in, atol=2e-4)
    assert scores["oof"]["f1"] == pytest.approx(f1_score(targets, oof.argmax(1), average="macro"), abs=1e-12)
    answers = pd.read_csv(finished.submission)
    assert answers["ans"].tolist() == handed_in.argmax(1).tolist()


def test_best_pth_is_a_network_that_predicts_like_its_fold(finished: RunFolder, competition: Path) -> None:
    data, table = read_data(competition), pd.read_csv(finished.folds)
    network = timm_classifier(num_classes=18, backbone="test_resnet", pretrained=None, drop_rate=0.0).eval()
    network.load_state_dict(read_checkpoint(finished.fold(1).best)["model"])
    batch = pixels(data.root, data.train["path"][table["fold"] == 1])
    with torch.inference_mode():
        found = torch.stack([network(view(batch)).softmax(1) for view in (identity, hflip)]).mean(0)
    np.testing.assert_allclose(found, read_arrays(finished.fold(1).predictions)["valid"], atol=1e-5)


def test_it_leaves_the_files_of_a_run_and_a_cache_changes_no_bit(finished, run, probe, tmp_path: Path) -> None:
    cached, _ = run(tmp_path, probe(), limit=10**9)
    for name in ("oof.npz", "test.npz", "scores.json", "submission.csv", "fold_0/metrics.csv"):
        assert (finished.root / name).read_bytes() == (cached.root / name).read_bytes(), name
    log, scores = pd.read_csv(finished.fold(0).metrics), read_json(finished.scores)
    assert log["epoch"].tolist() == [1] and log["valid_f1"][0] == scores["folds"][0]["f1"]
    assert np.isfinite(log[["train_loss", "valid_loss"]]).all(axis=None)
    assert pd.read_csv(finished.fold(0).timing)["seconds"][0] > 0
    record = read_json(finished.record)
    assert LinearProbe.from_record(record).record() == json.loads(json.dumps(probe().record())) == record


def test_a_kill_between_folds_costs_nothing_that_was_done(finished, run, probe, tmp_path: Path) -> None:
    shutil.copytree(finished.root.parents[1], tmp_path / "runs")
    folder = RunFolder(tmp_path / "runs" / finished.root.relative_to(finished.root.parents[1]))
    shutil.rmtree(folder.fold(1).root)
    folder.fold(1).root.mkdir()
    rubbish = folder.fold(1).root / f".best.pth.x{TEMPORARY}"
    rubbish.write_text("half")
    folder.manifest.unlink()
    before = folder.fold(0).predictions.stat().st_mtime_ns
    again, printed = run(tmp_path, probe())
    assert again.root == folder.root and "fold 2/2" in printed and "fold 1/2" not in printed
    assert folder.fold(0).predictions.stat().st_mtime_ns == before and not rubbish.exists()
    for name in ("oof.npz", "scores.json", "fold_1/predictions.npz", "fold_1/best.pth"):
        assert (folder.root / name).read_bytes() == (finished.root / name).read_bytes(), name
    _, printed = run(tmp_path, probe())
    assert "(finished)" in printed and "features" not in printed


def test_fast_goes_through_every_stage(run, probe, tmp_path: Path) -> None:
    folder, _ = run(tmp_path, replace(probe(), batch_size=1), fast=True)
    assert folder.finished and ".fast" in str(folder.root) and folder.submission.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "no name"}, "name is 'no name': the file's stem"),
        ({"seed": True}, "seed is True: a whole number from 0 on"),
        ({"batch_size": 0}, "batch_size is 0: a whole number from 1 on"),
        ({"classifier": LogisticRegression()}, "classifier is LogisticRegression"),
        ({"classifier": partial(LogisticRegression, c=1.0)}, "LogisticRegression has no parameter 'c'"),
        ({"tta": ()}, "tta is \\(\\)"),
        (
            {"model": partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0)},
            "model has pretrained=None",
        ),
        ({"metrics": {"f1": len}}, "metrics\\['f1'\\]"),
    ],
)
def test_a_declaration_that_cannot_hold_is_refused(probe, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        probe(**changes)


def test_what_contradicts_the_run_is_refused_before_it_has_a_folder(run, probe, weights: str, tmp_path: Path) -> None:
    head = partial(cosine_classifier, backbone="test_resnet", pretrained=weights, drop_rate=0.0, logit_scale=16.0)
    with pytest.raises(DataError, match="does not end with one linear layer"):
        run(tmp_path, probe(model=head))
    with pytest.raises(DataError, match="split is WholeTrainSet, which validates nothing"):
        run(tmp_path, probe(split=partial(WholeTrainSet, fits=1, epochs_of=None)))
    with pytest.raises(DataError, match="tta\\[0\\] fails on images of 32x24"):
        run(tmp_path, probe(tta=(upset_shape,)))
    assert not (tmp_path / "runs").exists()


def test_errors_in_years_are_those_of_the_probed_images(run, probe, competition: Path, tmp_path: Path) -> None:
    mean_age = partial(age_absolute_error, values=(23.5, 44.5, 60.0) * 6)
    folder, _ = run(tmp_path, probe(metrics={"age_mae": mean_age}, tta=(identity,)))
    data, arrays = read_data(competition), read_arrays(folder.oof)
    ages = arrays["probabilities"].astype(np.float64) @ np.array((23.5, 44.5, 60.0) * 6)
    first = arrays["folds"] == 0
    expected = mean_absolute_error(data.train["years"][first], ages[first])
    assert float(pd.read_csv(folder.fold(0).metrics)["valid_age_mae"][0]) == pytest.approx(expected, rel=1e-5)


def test_ages_that_the_data_lack_are_asked_for(probe, competition: Path) -> None:
    data = read_data(competition)
    ageless = replace(data, train=data.train.drop(columns="years"))
    with pytest.raises(DataError, match=r"metrics\['age_mae'\] takes each person's age in years, which"):
        check_probe(
            probe(metrics={"age_mae": partial(age_absolute_error, values=(23.5, 44.5, 60.0) * 6)}),
            ageless,
            np.zeros(len(data.train), np.int64),
        )
