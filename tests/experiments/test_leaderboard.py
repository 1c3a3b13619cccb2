"""The commands as a user types them, from the first submission to the private score, on simulated finished runs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import typer
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from analysis.leaderboard.ledger import read_ledger
from benchmarks.simulated_runs import Trial, write_trial
from data.errors import DataError
from data.splits import PersonSplit
from experiments._leaderboard import leaderboard
from experiments._match import match

PROJECT = Path(__file__).parents[2]
Command = Callable[..., str]

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(leaderboard, name="leaderboard")
app.command()(match)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return write_trial(tmp_path_factory.mktemp("trial"), "both", seed=1, runs=6, persons=60, test_persons=40)


@pytest.fixture
def trial(written: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """In a folder of the test's own, as a user stands in the project: runs/ and splits/ are written there."""
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
        assert all(len(line) <= 100 or "sha256" in line for line in answer.output.splitlines()), answer.output
        return answer.output

    return run


def submission(trial: Trial, name: str) -> str:
    return str(next(trial.runs.glob(f"{name}/*/submission.csv")))


def test_from_the_first_submission_to_the_private_score(trial: Trial, command: Command) -> None:
    data = str(trial.data.root)
    assert "No submission is registered in runs" in command("leaderboard")
    assert "upload       runs/uploads/run_0-" in command("leaderboard", "submit", "run_0")
    for number in range(5):
        said = command("leaderboard", "score", submission(trial, f"run_{number}"), "--data", data)
        assert "private" not in said and f"left     {9 - number} of 10 files today" in said
        assert ("registered now" in said) == (number > 0)
    command("leaderboard", "submit", "run_5")

    said = command("match", "--data", data, "--candidates", "500")
    for word in ("whole table", "tilted", "expected by", "chosen", "run_5 f70819", "not yet", "next     python -m"):
        assert word in said
    split = pd.read_csv("splits/matched.csv", dtype={"person": str})
    assert set(split["fold"]) == {0, -1} and len(split) == 60 * 7
    persons = split.loc[split["fold"] == 0, "person"].nunique()
    assert persons == 12 and f"{persons} persons to validate on" in said
    assert set(PersonSplit.from_csv("splits/matched_kfold.csv").assign(trial.data.train, seed=0)) == set(range(5))
    assert Path("splits/matched.png").exists() and Path("splits/matched.json").exists()

    table = command("leaderboard")
    assert "expected: as splits/matched.json says" in table and "run_5 f70819" in table

    solution = pd.read_csv(trial.data.root / "solution.csv")
    answers = pd.read_csv(submission(trial, "run_0"))["ans"]
    expected = f1_score(
        solution["ans"][solution["half"] == "private"], answers[solution["half"] == "private"], average="macro"
    )
    said = command("leaderboard", "score", submission(trial, "run_0"), "--data", data, "--final")
    assert f"private  {expected:.4f}" in said and "scored before and cost none" in said
    assert f"{expected:.4f}" in command("leaderboard")


def test_scores_of_a_real_leaderboard_are_typed_or_imported(trial: Trial, command: Command) -> None:
    said = command("leaderboard", "add", "run_0", "0.7612", "--private", "0.7544", "--note", "=first")
    assert "registered now" in said and "public 0.7612, private 0.7544" in said
    description = command("leaderboard", "submit", "run_1").split("description")[1].splitlines()[0].strip()
    Path("kaggle.csv").write_text(
        "fileName,date,description,status,publicScore,privateScore\n"
        f"submission.csv,2026-11-23 15:00:00,{description},complete,0.7,0.69\n"
        "other.csv,2026-11-23 15:00:00,none,complete,0.7,0.69\n"
    )
    said = command("leaderboard", "import", "kaggle.csv")
    assert "1 scores entered, 1 rows skipped" in said and "row 3 ('other.csv')" in said
    assert [(row.public, row.note) for row in read_ledger(trial.runs)] == [(0.7612, "'=first"), (0.7, "")]
    table = command("leaderboard")
    for word in ("0.7612", "0.7544", "0.6900", "run_0 a1b2c3: '=first", "OOF F1", "noise band"):
        assert word in table
    assert "public 0.75 " not in table
    assert "(in place of public 0.7612)" in command("leaderboard", "add", "run_0", "0.75")


def test_the_gap_is_told_for_one_run_or_for_all(trial: Trial, command: Command) -> None:
    for number in range(2):
        command("leaderboard", "add", f"run_{number}", "0.5")
    assert command("leaderboard", "gap").count("a gap of") == 2
    said = command("leaderboard", "gap", "run_1")
    assert "run_1 b2c3d4: Public score 0.5000" in said and "run_0" not in said
    assert Path("runs/leaderboard_gap.png").exists()


@pytest.mark.parametrize(("words", "said"), [
    (("leaderboard", "add", "run_0", "76.12"), "the public score is 76.12; .* write 0.7612"),
    (("leaderboard", "add", "run_0", "0.5", "--private", "54.4"), "the private score is 54.4; .* write 0.544"),
    (("leaderboard", "add", "focal", "0.5"), "'focal' is neither an experiment with a run in runs"),
    (("leaderboard", "submit", "focal"), "'focal' is neither an experiment"),
    (("leaderboard", "import", "none.csv"), "none.csv does not exist; expected a CSV"),
    (("leaderboard", "gap"), "No submission is registered in runs; nothing to explain"),
    (("leaderboard", "gap", "run_0"), "run_0/20261123-150000-a1b2c3d4e5 is not registered"),
    (("leaderboard", "score", "none.csv"), "input/sample does not exist"),
    (("match", "--data", "{data}"), "No submission in runs has a public score"),
    (("match", "--data", "nowhere"), "nowhere does not exist"),
])
def test_a_mistake_is_one_sentence_and_leaves_no_ledger(
    trial: Trial, command: Command, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        command(*(word.format(data=trial.data.root) for word in words))
    assert read_ledger(trial.runs) == []


def test_an_option_in_front_of_a_command_is_not_lost_in_silence(trial: Trial) -> None:
    answer = CliRunner().invoke(app, ["leaderboard", "--runs", "elsewhere", "submit", "run_0"])
    assert answer.exit_code == 2 and "a command takes its options after its name" in " ".join(answer.output.split())
    assert CliRunner().invoke(app, ["leaderboard", "submit", "run_0", "--runs", "runs"]).exit_code == 0


def test_a_submission_registered_twice_and_one_that_changed_are_refused(trial: Trial, command: Command) -> None:
    command("leaderboard", "submit", "run_0")
    with pytest.raises(DataError, match="is registered already: row 2 of runs/leaderboard.csv"):
        command("leaderboard", "submit", "run_0")
    path = Path(submission(trial, "run_0"))
    path.write_text(path.read_text() + "\n")
    with pytest.raises(DataError, match="changed since it was registered on"):
        command("leaderboard", "add", "run_0", "0.5")
    assert "run_0 a1b2c3: runs/run_0/" in command("leaderboard")


def test_runs_that_do_not_fit_are_named_and_the_rest_is_matched(trial: Trial, command: Command) -> None:
    for number in range(3):
        command("leaderboard", "add", f"run_{number}", f"0.{5 + number}")
    next(trial.runs.glob("run_1/*/oof.npz")).unlink()
    said = command("match", "--data", str(trial.data.root), "--candidates", "200", "--out", "elsewhere/m.csv")
    assert "run_1 b2c3d4 is left out: runs/run_1/" in said and "has no oof.npz" in said
    assert "Only 2 public scores" in said and Path("elsewhere/m_kfold.csv").exists()


def test_the_same_seed_gives_the_same_split(trial: Trial, command: Command) -> None:
    for number in range(3):
        command("leaderboard", "add", f"run_{number}", f"0.{5 + number}")
    written = []
    for seed in ("3", "3", "4"):
        command("match", "--data", str(trial.data.root), "--candidates", "200", "--seed", seed)
        written.append((Path("splits/matched.csv").read_bytes(), Path("splits/matched_kfold.csv").read_bytes()))
    assert written[0] == written[1] != written[2]


def test_help_and_the_table_import_nothing_heavy(trial: Trial, command: Command) -> None:
    command("leaderboard", "add", "run_0", "0.5")
    script = "import experiments._match, experiments._leaderboard as module; module.leaderboard()"
    for words in (["--help"], ["submit", "--help"], []):
        answer = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-X", "importtime", "-c", script, *words], capture_output=True, text=True,
            env={"PYTHONPATH": str(PROJECT)},
        )
        imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
        heavy = {"torch", "catalyst", "albumentations", "timm", "sklearn", "scipy", "matplotlib"}
        heavy |= {"numpy", "pandas"} if words else set()
        assert answer.returncode == 0 and not imported & heavy, words


def test_the_matched_experiment_differs_from_its_parent_by_the_split_alone() -> None:
    first, second = ((PROJECT / f"experiments/{name}.py").read_text() for name in ("focal_kfold", "focal_matched"))
    searched = first[first.index("SEARCH") : first.index("if __name__")] + "from runners.search.search_space"
    bodies = [
        [line for line in text[text.index("from functools") :].splitlines() if line.split(" import")[0] not in searched]
        for text in (first, second)
    ]
    assert len(bodies[0]) == len(bodies[1])
    changed = [new.strip() for old, new in zip(*bodies, strict=True) if old != new]
    assert changed == [
        "from data.splits import PersonSplit", 'name="focal_matched",', 'parent="focal_kfold",',
        'split=partial(PersonSplit.from_csv, path="splits/matched.csv"),',
    ]
