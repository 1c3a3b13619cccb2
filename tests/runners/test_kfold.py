import csv
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console
from sklearn.metrics import accuracy_score, f1_score

from data.cache_build import CacheSettings
from data.errors import DataError
from data.reading import read_data
from data.splits import PersonHoldout
from data.submission import check_submission
from runners.environment import Compute
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_checkpoint, read_json

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
PROJECT = Path(__file__).parents[2]
RESULTS = ("oof.npz", "test.npz", "scores.json", "submission.csv", "folds.csv")
OF_A_FOLD = ("best.pth", "metrics.csv", "predictions.npz")


def no_cache(folder: Path) -> CacheSettings:
    return CacheSettings(folder / "cache", limit=0, processes=1)


@pytest.fixture
def run(tmp_path: Path, competition: Path):
    """Runs an experiment on the small competition; returns its folder and what was printed."""
    source = tmp_path / "tiny.py"
    source.write_text('"""Does it run?"""\n')

    def start(
        experiment: Experiment, *, fast: bool = False, data: Path = competition, compute: Compute = CPU
    ) -> tuple[RunFolder, str]:
        console = Console(width=80, record=True, file=open(os.devnull, "w"))
        folder = run_experiment(experiment, source, data, tmp_path / "runs", compute, no_cache(tmp_path), fast, console)
        return folder, console.export_text()

    return start


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
    assert set(read_json(folder.identity)) == {"experiment", "split", "data", "files", "code", "mode"}
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


def test_what_a_run_prints_fits_and_is_plain_text(declare, competition: Path, tmp_path: Path) -> None:
    """A question may be long and hold what looks like markup; so may a folder's name, which is never broken."""
    source = tmp_path / "tiny.py"
    source.write_text(f'"""Is [red]this[/red] {"very " * 30}long?"""')
    data = tmp_path / "[bold]data" / "sample"
    shutil.copytree(competition, data)
    (data / "train/images/.DS_Store").write_text("hidden")
    console = Console(width=100, record=True, file=open(os.devnull, "w"))
    folder = run_experiment(declare(), source, data, tmp_path / "runs", CPU, no_cache(tmp_path), True, console)
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
    _assert_same_results(RunFolder(tmp_path / "first"), second)


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


class Killed(BaseException):
    """Ends a run at once, as a signal does: nobody catches it."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Make the write of that number, counted from 0, end the run just before it; returns the files written so far."""
    written: list[str] = []
    replace = os.replace

    def count(source: object, target: object) -> None:
        if len(written) == number:
            raise Killed
        written.append(Path(str(target)).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", count)
    return written


def test_a_frozen_start_groups_sums_and_steps_outlive_a_kill(run, declare, tmp_path, monkeypatch) -> None:
    """Killed in the frozen epoch and after it: what changes by epoch and by step goes on where it was."""
    from runners.criteria import CrossEntropy, LabelSmoothing
    from runners.models import timm_classifier
    from runners.parameter_groups import parameter_groups
    from runners.schedulers import cosine, warm_up

    weights = tmp_path / "weights.pth"
    settings = {"backbone": "test_resnet", "drop_rate": 0.2}
    torch.save(timm_classifier(num_classes=18, pretrained=None, **settings).backbone.state_dict(), weights)
    experiment = declare(
        epochs=4,
        split=partial(PersonHoldout, valid_fraction=0.3),
        model=partial(timm_classifier, pretrained=str(weights), **settings),
        freeze_epochs=2,
        criteria={"ce": partial(CrossEntropy), "smooth": partial(LabelSmoothing, smoothing=0.1)},
        criterion={1: "ce", 2: {"ce": 0.5, "smooth": 1.0}},
        parameters=partial(parameter_groups, layer_decay=0.7, decay_norms=False),
        scheduler=partial(warm_up, share=0.3, start_factor=0.1, then=partial(cosine, eta_min=0.0)),
        schedule_every="step",
    )
    whole, _ = run(experiment)
    whole.root.rename(tmp_path / "unkilled")
    with monkeypatch.context() as patch:
        names = _kill_at(patch, 10**6)
        again, _ = run(experiment)
    shutil.rmtree(again.root)
    commits = [number for number, name in enumerate(names) if name == "state.pth"]
    for number in (commits[1], commits[3]):
        with monkeypatch.context() as patch:
            _kill_at(patch, number)
            with pytest.raises(Killed):
                run(experiment)
    continued, _ = run(experiment)
    _assert_same_results(RunFolder(tmp_path / "unkilled"), continued, folds=(0,))
    with continued.fold(0).metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["lr"] for row in rows}) == 4 and all(float(row["valid_loss_smooth"]) > 0 for row in rows)


@pytest.mark.parametrize("name", ["state.pth", "best.pth", "metrics.csv", "predictions.npz"])
def test_damage_to_an_unfinished_run_is_said_and_mended(run, declare, tmp_path: Path, name: str) -> None:
    experiment = declare(epochs=2, criterion="ce", split=partial(PersonHoldout, valid_fraction=0.3))
    first, _ = run(experiment)
    shutil.copytree(first.root, tmp_path / "unkilled")
    first.manifest.unlink()
    if name != "predictions.npz":
        first.fold(0).predictions.unlink()
    path = first.fold(0).root / name
    path.write_bytes(path.read_bytes()[:-7] + b"damaged")
    continued, printed = run(experiment)
    assert ("is damaged" in printed) == name.endswith(("state.pth", ".npz"))  # the others are derived from the state
    _assert_same_results(RunFolder(tmp_path / "unkilled"), continued, folds=(0,))


def test_a_finished_run_that_was_changed_is_not_shown_as_a_result(run, declare) -> None:
    folder, _ = run(declare(epochs=1, criterion="ce"))
    folder.scores.write_text(folder.scores.read_text().replace("0.", "0.9"))
    with pytest.raises(DataError, match="scores.json is no longer what it was"):
        run(declare(epochs=1, criterion="ce"))
    folder.manifest.unlink()
    mended, printed = run(declare(epochs=1, criterion="ce"))
    assert mended.finished and "F1 0.9" not in printed


def test_a_damaged_declaration_of_an_unfinished_run_is_said_and_written_again(run, declare) -> None:
    """Else its manifest would seal the damage."""
    experiment = declare(epochs=1, criterion="ce")
    folder, _ = run(experiment)
    record, environment = folder.record.read_bytes(), folder.environment.read_bytes()
    folder.manifest.unlink()
    folder.record.write_bytes(record.replace(b'"seed": 3', b'"seed": 7'))
    folder.environment.write_bytes(environment[:50])
    mended, printed = run(experiment)
    said = " ".join(printed.split())
    assert mended.finished and mended.record.read_bytes() == record and mended.environment.read_bytes() == environment
    assert "experiment.json was not what this run declares: it is written again" in said
    assert "environment.json was damaged, and what it said of earlier starts is lost" in said


def test_a_damaged_identity_of_another_run_hinders_nobody(run, declare) -> None:
    other, _ = run(declare(), fast=True)
    other.identity.write_text("{")
    folder, printed = run(declare(seed=4), fast=True)
    assert folder.finished and "identity.json is damaged" in " ".join(printed.split())


def test_going_on_with_other_threads_or_versions_is_said_and_recorded(run, declare, monkeypatch) -> None:
    experiment = declare(epochs=1, criterion="ce")
    folder, _ = run(experiment)
    folder.manifest.unlink()
    written = read_json(folder.environment)
    written["compute"]["threads"] = 7
    folder.environment.write_text(json.dumps(written))
    _, printed = run(experiment)
    assert "threads 7 before, 1 now: the last digits of results may differ" in " ".join(printed.split())
    environment = read_json(folder.environment)
    assert environment["compute"]["threads"] == 7 and environment["continued"][0]["compute"]["threads"] == 1
    folder.manifest.unlink()
    assert "before," not in run(experiment)[1], "said once"


def test_a_run_says_what_makes_it_another_than_the_last(run, declare) -> None:
    first, printed = run(declare(epochs=1, criterion="ce"), fast=True)
    assert "a run of its own" not in printed
    _, printed = run(declare(epochs=1, criterion="ce", seed=4), fast=True)
    said = " ".join(printed.split())
    assert "a run of its own: experiment, " in said and f"not as in {first.root.name}" in said


SCRIPT = '''"""Is it killed?"""
from functools import partial
from torch.optim import AdamW
from torch.optim.lr_scheduler import ReduceLROnPlateau
from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import identity
main(Experiment(
    name="killed", parent=None, seed=3, split=partial(PersonStratifiedKFold, folds=2), corrections=None, epochs=4,
    batch_size=8, accumulate=3, clip_norm=1.0,
    model=partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.2), freeze_epochs=0,
    criteria={"ce": partial(CrossEntropy)}, criterion="ce", parameters=None,
    optimizer=partial(AdamW, lr=1e-3, weight_decay=0.01),
    scheduler=partial(ReduceLROnPlateau, mode="max", patience=0), schedule_every="epoch", sampler=None,
    train_transform=partial(flip_shift_colour, size=(32, 24), flip=0.5, shift=0.1, scale=0.1, rotate=5, brightness=0.1,
                            contrast=0.1),
    mix=None, valid_transform=partial(resize, size=(32, 24)), metrics={}, monitor=("f1", "max"), patience=4,
    average=None, precision="no", compile=False, activation=softmax, tta=(identity,),
))
'''


def _assert_same_results(first: RunFolder, second: RunFolder, folds: tuple[int, ...] = (0, 1)) -> None:
    names = [*RESULTS, *(f"fold_{fold}/{name}" for fold in folds for name in OF_A_FOLD)]
    assert not [name for name in names if (first.root / name).read_bytes() != (second.root / name).read_bytes()]
    for fold in folds:  # equal values; torch.save's bytes tell shared objects from equal ones
        _assert_same_values(read_checkpoint(first.fold(fold).state), read_checkpoint(second.fold(fold).state))


def _assert_same_values(first: object, second: object) -> None:
    assert type(first) is type(second)
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert list(first) == list(second)
        _assert_same_values(list(first.values()), list(second.values()))
    elif isinstance(first, list):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            _assert_same_values(one, other)
    else:
        assert first == second


def test_a_cache_and_folds_at_a_time_change_no_bit(tmp_path: Path, competition: Path) -> None:
    """A process of its own: what other tests did with torch's threads can't be forked."""
    script = tmp_path / "killed.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), "--data", str(competition), "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    printed = {}
    for name, options in (("plain", ["--jobs", "1", "--cache-limit", "0"]), ("fast", ["--jobs", "2"])):
        words = [*command, *options, "--runs", str(tmp_path / name), "--cache", str(tmp_path / "cache")]
        answer = subprocess.run(words, env=environment, capture_output=True, text=True)  # noqa: S603 - our own words
        assert answer.returncode == 0, answer.stderr
        printed[name] = answer.stdout
    assert "cache   none" in printed["plain"] and "are decoded once into" in printed["fast"]
    (first,), (second,) = ((tmp_path / runs / "killed").glob("*-*") for runs in ("plain", "fast"))
    _assert_same_results(RunFolder(first), RunFolder(second))
