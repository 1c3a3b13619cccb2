"""The command as a user types it, on a simulated finished run and on images that were drawn."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial, write_run, write_trial
from data.corrections import apply_corrections
from data.errors import DataError
from data.reading import read_data
from experiments._mistakes import mistakes
from runners.run_folder import RunFolder
from runners.state import write_arrays, write_json

Command = Callable[..., str]

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(mistakes)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Sixty persons; the genders of three are turned in train.csv after they were judged."""
    trial = write_trial(tmp_path_factory.mktemp("trial"), "none", seed=2, runs=1, persons=60, test_persons=4)
    run = RunFolder(next(trial.runs.glob("run_0/*")))
    judged = read_predictions(run)
    table = trial.data.train
    mask, age = table["mask"].to_numpy(), table["age"].to_numpy()
    rng = np.random.default_rng(0)
    sure = mask * 6 + table["gender"].to_numpy() * 3 + age  # networks that are better than the simulated ones
    logits = rng.normal(size=(len(table), 18)) + 4.5 * np.eye(18)[sure]
    probabilities = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    csv = trial.data.root / "train/train.csv"
    people = pd.read_csv(csv, dtype=str)
    people.loc[:2, "gender"] = people.loc[:2, "gender"].map({"male": "female", "female": "male"})
    people.to_csv(csv, index=False)
    data = read_data(trial.data.root)
    shutil.rmtree(trial.runs)
    root = trial.runs / "focal" / run.root.name
    folds = judged.folds[np.argsort(np.argsort(judged.image_ids))][np.argsort(np.argsort(data.train["image_id"]))]
    write_json(root / "environment.json", {"data": str(data.root)})
    write_run(RunFolder(root), data, folds, probabilities, np.full((5, len(data.test), 18), 1 / 18, np.float32))
    for path in data.train["path"][:21]:
        Image.new("RGB", (48, 64), "blue").save(data.root / path)
    return Trial(data, trial.runs)


@pytest.fixture
def trial(written: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    shutil.copytree(written.runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Trial(written.data, Path("runs"))


@pytest.fixture
def command(trial: Trial) -> Command:
    def run(*words: str) -> str:
        answer = CliRunner().invoke(app, list(words))
        if isinstance(answer.exception, DataError):
            raise answer.exception
        assert answer.exit_code == 0, answer.output
        assert all(len(line) <= 100 or "picture" in line for line in answer.output.splitlines()), answer.output
        return answer.output

    return run


def run_of(trial: Trial) -> RunFolder:
    return RunFolder(next(trial.runs.glob("focal/*")))


def test_the_tables_tell_scores_costs_pairs_and_the_worst(trial: Trial, command: Command) -> None:
    said = command("focal")
    judged = read_predictions(run_of(trial))
    assert "420 images of 60 persons, out of fold" in said
    f1 = f1_score(judged.targets, judged.labels, average="macro")
    assert f"class         {f1:.4f}" in said
    gender = f1_score(judged.targets // 3 % 2, judged.labels // 3 % 2, average="macro")
    assert f"gender        {gender:.4f}" in said
    for heading in ("What each class costs", "Most confused", "Worst mistakes (first 10 of ", "Calibration: expected"):
        assert heading in said
    assert "Persons wrong in every image" in said and str(judged.persons[0]) in said
    wrong = int((judged.labels != judged.targets).sum())
    assert f"(first 3 of {wrong})" in command("focal", "--top", "3")


def test_planted_wrong_genders_are_suspected_and_the_corrections_mend_them(trial: Trial, command: Command) -> None:
    said = command("focal", "--corrections", "suspects.csv")
    people = trial.data.train.drop_duplicates("person")
    table = said[said.index("Suspected wrong labels: gender") :]
    for person, gender in zip(people["person"][:3], people["gender"][:3], strict=True):
        row = next(line for line in table.splitlines() if line.startswith(person))
        assert f"judged {('female', 'male')[gender]} in all 7 images" in row
    assert "Suggestions, not findings" in said and "corrections  suspects.csv: " in said
    result = apply_corrections(trial.data.train, Path("suspects.csv"))
    changed = result.train["gender"] != trial.data.train["gender"]
    assert changed.to_numpy().nonzero()[0].tolist() == list(range(21)) and result.skipped == ()
    with pytest.raises(DataError, match=r"suspects\.csv is there already"):
        command("focal", "--corrections", "suspects.csv")


def test_pictures_are_written_where_they_are_wanted(trial: Trial, command: Command) -> None:
    said = command("focal", "-o", "out", "--top", "3")
    folder = Path("out", "focal", run_of(trial).root.name)  # of each run its own: nobody else's pictures are replaced
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["calibration.png", "confusion.png", "suspects.png", "worst.png"]
    assert [line for line in said.splitlines() if "/worst" in line] == [f"picture  {folder / 'worst.png'}"]
    (folder / "worst_2.png").write_text("of an earlier call with more of them")
    command("focal", "-o", "out", "--top", "3")
    assert sorted(path.name for path in folder.iterdir()) == names


def test_images_that_moved_are_asked_for_and_found_by_data(trial: Trial, command: Command) -> None:
    write_json(run_of(trial).environment, {"data": "/nowhere"})
    assert "/nowhere has none of them; --data PATH says where" in command("focal", "-o", "out")
    assert not list(Path("out").rglob("worst.png"))
    command("focal", "-o", "out", "--data", str(trial.data.root))
    assert list(Path("out").rglob("worst.png"))
    run_of(trial).environment.unlink()
    assert "the run does not say where its data is" in command("focal", "-o", "out2")
    with pytest.raises(DataError, match="nothing does not exist; --data takes the folder"):
        command("focal", "--data", "nothing")
    with pytest.raises(DataError, match="does not say where its data is: --data PATH does; corrections need"):
        command("focal", "--corrections", "c.csv")


def test_without_cleanlab_the_rest_is_told(trial: Trial, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.mistakes.suspects.find_spec", lambda name: None)
    said = command("focal")
    assert "python -m pip install -r requirements-cleanlab.txt" in said and "Worst mistakes" in said
    with pytest.raises(DataError, match="suspected wrong labels need cleanlab: "):
        command("focal", "--corrections", "c.csv")


def test_a_run_that_was_corrected_keeps_its_corrections(trial: Trial, command: Command) -> None:
    command("focal", "--corrections", "first.csv")
    rows = Path("first.csv").read_text().splitlines()
    run = run_of(trial)
    run.corrections.write_text("\n".join(rows[:2]) + "\n")
    corrected = read_data(trial.data.root, run.corrections)
    oof = dict(np.load(run.oof))
    order = corrected.train.set_index("image_id")["target"]
    write = {**oof, "targets": order.loc[oof["image_ids"].tolist()].to_numpy(np.int64)}
    write_arrays(run.oof, write)
    run.write_manifest()
    said = command("focal", "--corrections", "second.csv")
    assert "and the 1 that the run was made with" in " ".join(said.split())
    assert apply_corrections(trial.data.train, Path("second.csv")).rows_changed >= 21


def test_names_are_text_not_markup(trial: Trial, command: Command) -> None:
    run = run_of(trial)
    arrays = dict(np.load(run.oof))
    arrays["persons"] = np.array([f"[red]{person}[/]" for person in arrays["persons"].tolist()])
    write_arrays(run.oof, arrays)
    run.write_manifest()
    said = command("focal")
    assert f"[red]{trial.data.train['person'][0]}[/]" in "".join(said.split())


def test_a_run_that_is_not_there_is_one_sentence(command: Command) -> None:
    with pytest.raises(DataError, match="'other' is neither an experiment with a run in runs nor a run's folder"):
        command("other")


def test_a_run_that_was_changed_is_not_explained(trial: Trial, command: Command) -> None:
    run = run_of(trial)
    write_arrays(run.oof, dict(np.load(run.oof)) | {"folds": np.load(run.oof)["folds"][::-1]})
    with pytest.raises(DataError, match="oof.npz is not the file its run wrote"):
        command("focal")


def test_escape_sequences_in_names_do_not_reach_the_terminal(trial: Trial, command: Command) -> None:
    run = run_of(trial)
    arrays = dict(np.load(run.oof))
    arrays["persons"] = np.array([f"{person}\x1b[2J\u202e" for person in arrays["persons"].tolist()])
    write_arrays(run.oof, arrays)
    run.write_manifest()
    said = command("focal")
    assert "\x1b[2J" not in said and "\u202e" not in said


def test_a_corrections_file_that_can_not_be_written_is_said_before_anything_is_worked_out(
    trial: Trial, command: Command
) -> None:
    for path in ("nowhere/c.csv", "/proc/nope/c.csv"):
        with pytest.raises(DataError, match="c.csv can't be written: .* is no folder"):
            command("focal", "--corrections", path)
