"""vote and check-submission as a user types them."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.simulated_runs import Trial, write_trial
from data.errors import DataError
from data.submission import check_submission as read_checked
from experiments._submissions import check_submission, vote
from runners.state import file_digest, read_json

PROJECT = Path(__file__).parents[2]
Command = Callable[..., str]

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(vote)
app.command("check-submission")(check_submission)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return write_trial(tmp_path_factory.mktemp("trial"), "both", seed=1, runs=3, persons=40, test_persons=20)


@pytest.fixture
def trial(written: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    shutil.copytree(written.runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        shutil.copyfile(next(Path("runs").glob(f"run_{number}/*/submission.csv")), f"{number}.csv")
    return Trial(written.data, Path("runs"))


@pytest.fixture
def command(trial: Trial) -> Command:
    def run(*words: str, code: int = 0) -> str:
        answer = CliRunner().invoke(app, list(words))
        if isinstance(answer.exception, DataError):
            raise answer.exception
        assert answer.exit_code == code, answer.output
        return answer.output

    return run


def break_file(name: str) -> str:
    """A file that a spreadsheet mangled: index, 13.0, semicolons, CRLF, another order; all of it can be repaired."""
    header, *rows = Path(name).read_text().splitlines()
    lines = [f",{header}", *(f"{number},{row}.0" for number, row in enumerate(rows[::-1]))]
    Path("broken.csv").write_bytes("\r\n".join(lines).replace(",", ";").encode("utf-8-sig"))
    return "broken.csv"


def test_a_run_s_own_submission_is_accepted_and_its_classes_compared(command: Command) -> None:
    said = command("check-submission", "0.csv")
    assert "140 rows, checked against run runs/run_2/" in said and "an integer from 0 to 17" in said
    assert "accepted: nothing is wrong with it" in said and "from the estimated test prior" in said


def test_a_broken_file_is_refused_and_repaired_into_a_new_one(trial: Trial, command: Command) -> None:
    broken = break_file("0.csv")
    before = Path(broken).read_bytes()
    said = command("check-submission", broken, code=1)
    for word in ("byte order mark  (--fix repairs it)", "wrong delimiter", "index column", "answer written as 13.0",
                 "and 135 more", "ids in another order", "refused: 5 kinds of problem, 144 places; --fix NEW_FILE"):
        assert word in said, word
    said = command("check-submission", broken, "--fix", "fixed.csv")
    assert "repaired: answer written as 13.0: in 140 places" in said and "accepted: fixed.csv passes the check" in said
    assert Path("fixed.csv").read_bytes() == Path("0.csv").read_bytes() and Path(broken).read_bytes() == before
    assert "accepted" in command("check-submission", "fixed.csv", "--data", str(trial.data.root))


def test_what_can_not_be_repaired_is_told_and_nothing_written(command: Command) -> None:
    header, *rows = Path("0.csv").read_text().splitlines()
    Path("broken.csv").write_text("\n".join([header, *rows[:-3], "[red]unknown.jpg,1", f"{rows[-1]}.0"]) + "\n")
    said = command("check-submission", "broken.csv", code=1)
    assert "ImageID is '[red]unknown.jpg'" in said and "missing id" in said and "  140  " not in said
    assert "not all of it can be repaired safely" in said
    with pytest.raises(DataError, match="unknown id, missing id"):
        command("check-submission", "broken.csv", "--fix", "fixed.csv")
    assert not Path("fixed.csv").exists()


def test_the_form_is_known_by_data_by_a_file_or_by_the_runs(trial: Trial, command: Command) -> None:
    said = command("check-submission", "0.csv", "--data", str(trial.data.root))
    assert "checked against the data in" in said and "from the estimated test prior" in said
    info = str(trial.data.root / "eval/info.csv")
    assert f"checked against {info}" in command("check-submission", "0.csv", "--like", info, "--runs", "none")
    said = command("check-submission", info, "--like", "0.csv", "--runs", "none")
    assert "140 of 140 answers are '0'" in said and "no run in none predicted these images" in said
    assert "class out of range" in command("check-submission", "0.csv", "--like", info, "--classes", "2", code=1)
    with pytest.raises(DataError, match="No finished run in none has a submission to go by"):
        command("check-submission", "0.csv", "--runs", "none")
    with pytest.raises(DataError, match="--data and --like both say"):
        command("check-submission", "0.csv", "--like", info, "--data", str(trial.data.root))
    with pytest.raises(DataError, match="--classes says what --like does not"):
        command("check-submission", "0.csv", "--classes", "18")


def test_unusual_classes_are_warned_of(command: Command) -> None:
    header, *rows = Path("0.csv").read_text().splitlines()
    Path("odd.csv").write_text("\n".join([header, *(row.split(",")[0] + ",8" for row in rows)]) + "\n")
    said = command("check-submission", "odd.csv")
    assert "accepted" in said and "warning: class shares are 1.000" in said and "140 of 140 answers are '8'" in said


def test_files_are_blended_by_vote(trial: Trial, command: Command) -> None:
    answers = [read_checked(Path(f"{number}.csv"), trial.data) for number in range(3)]
    said = command("vote", "0.csv", "1.csv", "2.csv", "--scores", ".78,.76,.71", "-o", "vote.csv")
    assert "0.78" in said and "ties in 0 went to the better file (highest score, then named first)" in said
    for row, winner in enumerate(read_checked(Path("vote.csv"), trial.data)):
        given = [int(each[row]) for each in answers]
        assert winner == (given[1] if given[1] == given[2] else given[0])
    record = read_json(Path("vote.json"))
    assert record["sha256"] == file_digest(Path("vote.csv")) and record["files"][1]["weight"] == 0.76
    assert [each["sha256"] for each in record["files"]] == [file_digest(Path(f"{n}.csv")) for n in range(3)]


def test_two_files_are_the_better_one_and_that_is_said(command: Command) -> None:
    said = command("vote", "0.csv", "1.csv", "--scores", ".5,.6", "-o", "vote.csv")
    assert "warning: the result is 1.csv unchanged" in said
    assert Path("vote.csv").read_bytes() == Path("1.csv").read_bytes()
    assert "went to the better file (named first)" in command("vote", "0.csv", "1.csv", "2.csv", "-o", "vote.csv")


@pytest.mark.parametrize(("words", "said"), [
    (("0.csv", "broken.csv"), "broken.csv, line 1: the file begins with a byte order mark.*lists all"),
    (("0.csv",), "1 file given; a vote needs two or more"),
    (("0.csv", "1.csv", "--scores", "78,76"), "a score is 78; scores here are fractions of 1: write 0.78"),
    (("0.csv", "1.csv", "--scores", ".78"), "1 scores for 2 files"),
    (("0.csv", "none.csv"), "none.csv does not exist"),
])
def test_a_vote_that_can_not_be_is_one_sentence(command: Command, words: tuple[str, ...], said: str) -> None:
    break_file("0.csv")
    with pytest.raises(DataError, match=said):
        command("vote", *words, "-o", "vote.csv")
    assert not Path("vote.csv").exists()


@pytest.mark.parametrize("name", ["vote", "check-submission"])
def test_help_imports_nothing_heavy(name: str) -> None:
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-X", "importtime", "-m", "experiments", name, "--help"], capture_output=True, text=True,
        cwd=PROJECT,
    )
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0 and "--runs" in answer.stdout
    assert not imported & {"torch", "catalyst", "sklearn", "scipy", "matplotlib", "numpy", "pandas"}
