"""The record holds all it takes to make the submission again."""

from pathlib import Path

import numpy as np
import pytest

from analysis.ensembles.ensemble import build_ensemble
from analysis.ensembles.members import read_members
from analysis.ensembles.recipe import Choice, Method
from analysis.ensembles.record import write_ensemble
from analysis.ensembles.stacking import Stacking
from benchmarks.simulated_runs import Trial
from data.submission import check_submission, submission_form
from runners.run_folder import RunFolder, list_runs
from runners.state import file_digest, read_arrays, read_json, write_arrays


@pytest.mark.parametrize("choice", [
    Choice(Method.GREEDY), Choice(Method.WEIGHTS, bias=True, prior=True), Choice(Method.STACKING),
])
def test_the_submission_can_be_made_from_the_record_alone(trial: Trial, tmp_path: Path, choice: Choice) -> None:
    first, *_ = runs = list_runs(trial.runs)
    oof = read_arrays(first.oof)
    guesses = np.random.default_rng(0).dirichlet(np.full(18, 0.05), len(oof["targets"])).astype(np.float32)
    write_arrays(first.oof, {**oof, "probabilities": guesses})
    built = build_ensemble(read_members(runs), choice)
    digest = write_ensemble(tmp_path / "out.csv", submission_form(trial.data), built)
    record = read_json(tmp_path / "out.json")
    assert record["sha256"] == digest == file_digest(tmp_path / "out.csv")

    assert any(dropped["run"].startswith("run_0/") for dropped in record["dropped"])

    kept = [RunFolder(trial.runs / member["run"]) for member in record["members"]]
    assert [file_digest(run.test) for run in kept] == [member["test_sha256"] for member in record["members"]]
    test = np.stack([read_arrays(run.test)["probabilities"] for run in kept])
    if record["stacking"]:
        learnt = {name: np.array(values) for name, values in record["stacking"].items()}
        scores = Stacking(**learnt).probabilities(test)
    else:
        scores = np.tensordot([member["weight"] for member in record["members"]], test.astype(float), 1)
    if record["offsets"]:
        scores = np.log(np.maximum(scores, 1e-7)) + record["offsets"]
    assert check_submission(tmp_path / "out.csv", trial.data).tolist() == scores.argmax(1).tolist()

    assert {member["identity"] for member in record["members"] + record["dropped"]} == {
        "a1b2c3d4e5", "b2c3d4e5f6", "c3d4e5f707"}
    assert record["scores"]["final"]["cross_fitted"] == built.final.cross_fitted
    assert [each["name"] for each in record["scores"]["single_members"]] == list(built.members.names)


def test_the_same_command_writes_the_same_bytes(trial: Trial, tmp_path: Path) -> None:
    written = []
    for _ in range(2):
        built = build_ensemble(read_members(list_runs(trial.runs)), Choice(Method.GREEDY))
        write_ensemble(tmp_path / "out.csv", submission_form(trial.data), built)
        written.append([(tmp_path / name).read_bytes() for name in ("out.csv", "out.json")])
    assert written[0] == written[1]
