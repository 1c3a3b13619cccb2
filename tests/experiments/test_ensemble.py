"""The command as a user types it, on simulated finished runs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from analysis.ensembles.recipe import Method
from benchmarks.simulated_runs import Trial, write_trial
from data.errors import DataError
from data.submission import check_submission, write_submission
from experiments._ensemble import MethodName, ensemble
from runners.run_folder import list_runs
from runners.state import read_arrays, read_json, write_json

PROJECT = Path(__file__).parents[2]
Command = Callable[..., str]

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(ensemble)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return write_trial(tmp_path_factory.mktemp("trial"), "both", seed=1, runs=3, persons=40, test_persons=20)


@pytest.fixture
def trial(written: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    shutil.copytree(written.runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Trial(written.data, Path("runs"))


@pytest.fixture
def command(trial: Trial) -> Command:
    def run(*words: str, width: int = 100) -> str:
        answer = CliRunner().invoke(app, [*words, "-o", "out.csv"])
        if isinstance(answer.exception, DataError):
            raise answer.exception
        assert answer.exit_code == 0, answer.output
        sentences = ("rank of", "vote of", "mean of", "geometric of", "One member")
        for line in answer.output.splitlines():
            assert len(line.rstrip()) <= width or line.startswith(sentences), line
        return answer.output

    return run


def test_an_ensemble_is_scored_told_and_written(trial: Trial, command: Command) -> None:
    said = command("run_0", "run_1", "run_2")
    assert "3 members, 280 images of 40 persons, 18 classes; 140 test images" in said
    for word in ("in-sample", "cross-fit", "at prior", "geometric", "rank", "vote", "weights", "stacking",
                 "greedy + bias + prior", "Members of greedy", "noise", "Agreement", "3 run_2 c3d4e5", "out.json"):
        assert word in said, word
    record = read_json(Path("out.json"))
    assert f"sha256 {record['sha256'][:10]}" in said
    assert len(check_submission(Path("out.csv"), trial.data)) == 140
    final = record["scores"]["final"]
    assert f"{final['in_sample']:.4f}     {final['cross_fitted']:.4f}" in said
    for dropped in record["dropped"]:
        assert f"{dropped['gain']:+.4f}" in said and "dropped: below the noise" in said


@pytest.mark.parametrize("words", [
    ("--method", "mean", "--keep-all"), ("--method", "weights", "--bias"), ("--method", "geometric", "--prior"),
    ("--method", "stacking"), ("--method", "rank"), ("--method", "vote"), ("--bias", "--prior"),
])
def test_every_method_makes_a_submission(trial: Trial, command: Command, words: tuple[str, ...]) -> None:
    command("run_0", "run_2", *words)
    record = read_json(Path("out.json"))
    assert record["method"] == (words[1] if words[0] == "--method" else "greedy")
    assert (record["bias"], record["prior"]) == ("--bias" in words, "--prior" in words)
    assert len(check_submission(Path("out.csv"), trial.data)) == 140


def test_every_method_can_be_named() -> None:
    assert set(get_args(MethodName)) == {method.value for method in Method}


def test_a_generic_data_set_gets_its_label_texts_in_the_first_run_s_order(trial: Trial, command: Command) -> None:
    names = tuple(f"[label] {number}" for number in range(18))
    data = replace(trial.data, form="csv", class_names=names, id_column="path", answer_column="label")
    for run in list_runs(trial.runs):
        test = read_arrays(run.test)
        write_json(run.scores, {**read_json(run.scores), "classes": list(names)})
        write_submission(run.submission, data, test["image_ids"].tolist(), test["probabilities"].argmax(1))
        run.write_manifest()
    command("run_0", "run_1", "--method", "mean", "--keep-all")
    rows = pd.read_csv("out.csv")
    mean = sum(read_arrays(run.test)["probabilities"] for run in list_runs(trial.runs)[:2])
    assert list(rows) == ["path", "label"] and rows["path"].tolist() == data.test["image_id"].tolist()
    assert (rows["label"] == [names[label] for label in mean.argmax(1)]).mean() > 0.99


def test_runs_are_named_by_folder_too_and_names_may_hold_anything(trial: Trial, command: Command) -> None:
    odd = trial.runs / "run_[b]\N{SNOWMAN}" / "20261124-150000-1234567890"
    shutil.copytree(list_runs(trial.runs)[1].root, odd)
    said = command("run_0", str(odd), "--keep-all")
    assert "run_[b]\N{SNOWMAN} 123456" in said


@pytest.mark.parametrize(("words", "said"), [
    (("run_0",), "1 run given; an ensemble blends two or more"),
    (("run_0", "run_0"), "is named twice"),
    (("run_0", "nothing"), "'nothing' is neither an experiment with a run in runs"),
    (("run_0", "run_1", "--method", "vote", "--prior"), "vote gives no probabilities"),
])
def test_a_mistake_is_one_sentence_and_writes_nothing(command: Command, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        command(*words)
    assert not Path("out.csv").exists() and not Path("out.json").exists()


def test_a_file_that_is_there_is_refused_before_anything_is_read(command: Command) -> None:
    Path("out.csv").write_text("mine")
    with pytest.raises(DataError, match="out.csv: there already"):
        command("nothing", "at all")
    assert Path("out.csv").read_text() == "mine"


def test_help_imports_nothing_heavy() -> None:
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-X", "importtime", "-m", "experiments", "ensemble", "--help"], capture_output=True, text=True,
        cwd=PROJECT,
    )
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0 and "--method" in answer.stdout
    assert not imported & {"torch", "catalyst", "sklearn", "scipy", "matplotlib", "numpy", "pandas"}
