"""What a run that was stopped, damaged or started again comes to."""

import csv
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from same_results import assert_same_results

from data.errors import DataError
from data.splits import PersonHoldout
from runners.compute import Compute
from runners.run_folder import RunFolder
from runners.state import read_json

CPU = Compute(device="cpu", threads=1, workers=0, jobs=1)
PROJECT = Path(__file__).parents[2]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in a run catches it."""


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
    assert_same_results(RunFolder(tmp_path / "unkilled"), continued)
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
    assert_same_results(RunFolder(tmp_path / "unkilled"), continued)


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
    name="killed", parent=None, seed=3, split=partial(PersonStratifiedKFold, folds=2), corrections=None, extra_data=(),
    age_boundary=None, epochs=2, batch_size=8, accumulate=3, clip_norm=1.0,
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
    assert_same_results(RunFolder(first), RunFolder(second))
