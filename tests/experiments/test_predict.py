"""The commands as a user types them, on the run of a network that was never trained."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from data.labels import CLASS_NAMES
from data.reading import read_data
from data.submission import check_submission
from experiments._export import export
from experiments._predict import predict
from runners.state import file_digest, read_arrays, write_arrays

PROJECT = Path(__file__).parents[2]
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(predict)
app.command()(export)


@pytest.fixture
def here(finished_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run of smoke in runs/."""
    finished_run(tmp_path / "runs", importlib.import_module("experiments.smoke").EXPERIMENT, CLASS_NAMES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def refused(*arguments: str) -> str:
    """The sentence that a command ends with."""
    answer = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert answer.exit_code == 1 and answer.stderr.startswith("error: "), answer.output
    return answer.stderr


def test_a_test_list_becomes_probabilities_and_a_submission(here: Path, competition: Path) -> None:
    told = run("predict", "smoke", "--data", str(competition), "-o", "mine.npz", "--threads", "1")
    assert "smoke 0123456789: 2 networks x 1 views, by torch" in told and "images  21 of" in told
    found, data = read_arrays(here / "mine.npz"), read_data(competition)
    assert found["fold_probabilities"].shape == (2, 21, 18) and found["folds"].tolist() == [0, 1]
    np.testing.assert_allclose(found["probabilities"], found["fold_probabilities"].mean(0), atol=1e-7)
    assert found["image_ids"].tolist() == list(data.test["image_id"]) and found["classes"].tolist() == [*CLASS_NAMES]
    assert check_submission(here / "mine.csv", data).tolist() == found["probabilities"].argmax(1).tolist()
    record = json.loads((here / "mine.json").read_text())
    assert record["run"] == "smoke 0123456789" and record["sha256"] == file_digest(here / "mine.csv")
    (here / "mine.csv").write_text("mine\n")
    told = refused("predict", "smoke", "--data", str(competition), "-o", "mine.npz")
    assert "mine.csv and mine.json: there already" in told


def test_a_folder_of_images_becomes_probabilities(here: Path, competition: Path) -> None:
    told = run("predict", "smoke", "--data", str(competition / "eval/images"), "--cache-limit", "0")
    assert "written predictions.npz: 21 images x 18 classes" in told and "submission" not in told
    assert not (here / "predictions.csv").exists() and len(read_arrays(here / "predictions.npz")["image_ids"]) == 21


def test_folds_become_files(here: Path) -> None:
    pytest.importorskip("onnxruntime")
    told = run("export", "smoke", "-o", "networks", "--fold", "1")
    assert "written networks/fold_1.onnx" in told and "largest difference from torch" in told
    assert sorted(path.name for path in (here / "networks").iterdir()) == ["fold_1.json", "fold_1.onnx"]
    assert "has networks of the folds 0, 1" in refused("export", "smoke", "-o", "networks", "--fold", "7")
    assert "fold_1.json is a file: --out takes a folder" in refused("export", "smoke", "-o", "networks/fold_1.json")


def test_mistakes_are_one_sentence(here: Path, competition: Path) -> None:
    words = ("--data", str(competition))
    assert "'smok' is neither an experiment with a run in runs nor a run's folder" in refused("predict", "smok", *words)
    assert "mine.csv: --out takes the name of an .npz" in refused("predict", "smoke", *words, "-o", "mine.csv")
    told = refused("predict", "smoke", "--data", "nowhere")
    assert "nowhere does not exist: --data takes a data set, or a folder of images" in told


def test_a_file_of_another_maker_is_not_replaced(here: Path, competition: Path) -> None:
    mine = ("predict", "smoke", "--data", str(competition / "eval/images"), "--cache-limit", "0")
    theirs = {name: np.ones(1) for name in ("probabilities", "image_ids", "persons", "targets", "folds")}
    write_arrays(here / "oof.npz", theirs)
    (here / "notes.npz").write_text("not even arrays")
    for name in ("oof.npz", "notes.npz"):
        before = file_digest(here / name)
        assert f"{name} is there already, and not of this command" in refused(*mine, "-o", name)
        assert file_digest(here / name) == before
    run(*mine)
    assert "written predictions.npz" in run(*mine), "its own it replaces"


def test_what_the_system_refuses_is_one_sentence(here: Path, competition: Path) -> None:
    (here / "file").write_text("")
    told = run("predict", "smoke", "--data", str(competition), "--cache", "file/cache")
    assert "cache   none, images are decoded" in told and "Not a directory" in told, "nothing is lost by it"
    manifest = next((here / "runs" / "smoke").iterdir()) / "MANIFEST.json"
    manifest.unlink()
    manifest.mkdir()
    pytest.importorskip("onnxruntime")
    for words in (("predict", "smoke", "--data", str(competition)), ("export", "smoke", "-o", "networks")):
        assert "MANIFEST.json: Is a directory" in refused(*words)


@pytest.mark.parametrize("command", ["predict", "export"])
def test_help_needs_no_torch(command: str) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "experiments", command, "--help"]
    answer = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own words
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0 and "--runs" in answer.stdout
    assert not imported & {"torch", "catalyst", "onnx", "onnxruntime", "albumentations", "pandas"}
