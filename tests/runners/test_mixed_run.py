"""Balanced samplers, mixing and one-vs-rest through a whole run: on disk, out of fold, killed and continued."""

import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from data.balanced_samplers import class_balanced, oversampled
from data.cache_build import CacheSettings
from data.errors import DataError
from data.mixing import HalfFaceCutMix, Mixup
from data.splits import PersonHoldout
from runners.activations import one_vs_rest
from runners.compute import Compute
from runners.experiment import Experiment
from runners.main import run_experiment
from runners.one_vs_rest import OneVsRest, negatives_per_positive
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_json
from runners.views import crop, identity
from runners.workspace import Workspace

CUTMIX = partial(HalfFaceCutMix, probability=0.7, partners="any")


class Killed(BaseException):
    """Ends a run at once, as a signal does: nobody catches it."""


@pytest.fixture
def run(tmp_path: Path, competition: Path):
    """Runs an experiment on the small competition, in a folder of its own."""
    source = tmp_path / "tiny.py"
    source.write_text('"""Does it run?"""\n')

    def start(experiment: Experiment, folder: str, *, workers: int = 0) -> RunFolder:
        console = Console(file=open(os.devnull, "w"))
        compute, cache = Compute(device="cpu", threads=1, workers=workers, jobs=1), CacheSettings(tmp_path, 0, 1)
        workspace = Workspace(competition, tmp_path / folder, compute, cache, False, console)
        return run_experiment(experiment, source, workspace)

    return start


def binary(declare) -> Experiment:
    """One-vs-rest on mixed batches of a balanced sampler, two batches a step, two views."""
    return declare(
        epochs=3,
        split=partial(PersonHoldout, valid_fraction=0.3),
        criteria={"ovr": partial(OneVsRest, positive_weights=negatives_per_positive)},
        criterion="ovr",
        activation=one_vs_rest,
        sampler=partial(oversampled, by=("gender", "mask"), absent="skip"),
        mix=CUTMIX,
        tta=(identity, partial(crop, share=0.8, top=0.5, left=0.5)),
    )


def test_a_killed_run_continues_with_the_same_bits_and_workers_do_not_matter(run, declare, monkeypatch) -> None:
    whole = run(binary(declare), "whole", workers=2)
    replace, states = os.replace, []

    def kill_after_two_epochs(source: object, target: object) -> None:
        states.append(Path(str(target)).name)
        replace(source, target)
        if states.count("state.pth") == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", kill_after_two_epochs)
        with pytest.raises(Killed):
            run(binary(declare), "killed")
    continued = run(binary(declare), "killed")
    for name in ("oof.npz", "test.npz", "scores.json"):
        assert (whole.root / name).read_bytes() == (continued.root / name).read_bytes(), name
    assert whole.fold(0).metrics.read_bytes() == continued.fold(0).metrics.read_bytes()
    probabilities = read_arrays(whole.oof)["probabilities"]
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_the_record_rebuilds_samplers_mixing_activation_and_views(run, declare) -> None:
    experiment = binary(declare)
    record = json.loads(json.dumps(experiment.record()))
    rebuilt = Experiment.from_record(record)
    assert json.loads(json.dumps(rebuilt.record())) == record
    assert rebuilt.sampler.keywords["by"] == ("gender", "mask") and rebuilt.activation is one_vs_rest
    assert rebuilt.mix() == CUTMIX() and rebuilt.tta[1].keywords["share"] == 0.8


def test_mixing_changes_what_is_learnt(run, declare) -> None:
    base = {"epochs": 1, "criterion": "ce", "split": partial(PersonHoldout, valid_fraction=0.3)}
    plain = run(declare(**base), "runs")
    mixed = run(declare(**base, mix=partial(Mixup, alpha=1.0, probability=1.0, partners="other")), "runs")
    assert plain != mixed
    assert not np.array_equal(read_arrays(plain.oof)["probabilities"], read_arrays(mixed.oof)["probabilities"])
    assert read_json(mixed.record)["mix"]["with"] == {"alpha": 1.0, "probability": 1.0, "partners": "other"}


def test_what_is_refused_leaves_no_run_behind(run, declare, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="sampler balances by target, and split leaves fold 1 no training image"):
        run(declare(sampler=partial(class_balanced, by="target", power=0.0, absent="refuse")), "runs")
    assert not list((tmp_path / "runs").rglob("*"))
