"""A score stays with the file it was given for: registering, entering, and every way to get it wrong."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.leaderboard.ledger import LEDGER, Submission, read_ledger
from analysis.leaderboard.registration import (
    enter_played,
    enter_score,
    find_run,
    find_run_to_score,
    parse_score,
    prepare,
    register,
)
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.run_folder import RunFolder
from runners.state import file_digest

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def submit(trial: Trial, name: str) -> Submission:
    return register(trial.runs, prepare(trial.runs, find_run(trial.runs, name), NOW)[0])


def later_run(trial: Trial, name: str, change: bool = True) -> RunFolder:
    """A second, later run of an experiment; with another last answer in its submission unless told otherwise."""
    first = find_run(trial.runs, name)
    second = RunFolder(first.root.with_name("20270101-000000-0000000000"))
    shutil.copytree(first.root, second.root)
    if change:
        change_last_answer(second)
        second.write_manifest()
    return second


def change_last_answer(run: RunFolder) -> None:
    lines = run.submission.read_text().splitlines()
    image_id, answer = lines[-1].split(",")
    run.submission.write_text("\n".join([*lines[:-1], f"{image_id},{(int(answer) + 1) % 18}"]) + "\n")


def test_submitting_keeps_the_files_hash_and_a_copy_named_by_it(trial: Trial) -> None:
    row = submit(trial, "run_0")
    run = find_run(trial.runs, "run_0")
    assert read_ledger(trial.runs) == [row]
    assert row.run == run.root.relative_to(trial.runs).as_posix() and row.sha256 == file_digest(run.submission)
    assert row.registered == "2026-11-23T15:00:00+00:00" and row.public is None
    upload = trial.runs / row.upload
    assert upload.name == f"run_0-{row.sha256[:10]}.csv" and upload.read_bytes() == run.submission.read_bytes()
    assert row.drift is not None and 0 < row.drift < 1 and row.drift_earlier is None
    assert submit(trial, "run_1").drift_earlier is not None


def test_the_same_file_is_registered_once(trial: Trial) -> None:
    submit(trial, "run_0")
    submit(trial, "run_1")
    with pytest.raises(DataError, match=rf"registered already: row 3 of .*{LEDGER}, on 2026-11-23; upload .*run_1-"):
        submit(trial, "run_1")
    twin = later_run(trial, "run_1", change=False)
    with pytest.raises(DataError, match="registered already by another run, run_1/20261123-150001-.*: row 3"):
        register(trial.runs, prepare(trial.runs, twin, NOW)[0])
    assert len(read_ledger(trial.runs)) == 2


def test_a_name_is_its_latest_finished_run_and_a_folder_is_itself(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = find_run(trial.runs, "run_0"), later_run(trial, "run_0")
    assert find_run(trial.runs, "run_0") == second
    second.manifest.unlink()
    assert find_run(trial.runs, "run_0") == first
    assert find_run(trial.runs, str(first.root)) == first
    monkeypatch.chdir(first.root)
    assert find_run(trial.runs, ".") == first
    with pytest.raises(DataError, match="is not finished .it has no MANIFEST.json"):
        find_run(trial.runs, str(second.root))


@pytest.mark.parametrize(("name", "said"), [
    ("focal", "'focal' is neither an experiment with a run in .* nor a run's folder; with a finished run: 'run_0', "),
    ("run_9", "No run of run_9 in .* is finished; `python -m experiments.run_9` continues it"),
    ("{runs}/run_0", "is not a run's folder in .*; expected .*/<experiment>/<date>-<identity>"),
    ("/tmp", "/tmp is not a run's folder"),  # noqa: S108 - only named
])
def test_what_is_no_run_is_a_sentence(trial: Trial, name: str, said: str) -> None:
    (trial.runs / "run_9/20261123-160000-aaaaaaaaaa").mkdir(parents=True)
    with pytest.raises(DataError, match=said):
        find_run(trial.runs, name.format(runs=trial.runs))


def test_a_run_without_a_submission_or_with_a_foreign_one_is_refused(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    change_last_answer(run)
    with pytest.raises(DataError, match=r"is not the file its run wrote \(sha256 .{10}, .{10} in MANIFEST.json\)"):
        submit(trial, "run_0")
    run.submission.unlink()
    with pytest.raises(DataError, match="has no submission.csv: the data it was made on has no test images"):
        submit(trial, "run_0")
    assert not (trial.runs / LEDGER).exists()


def test_a_score_registers_its_submission_and_can_be_corrected(trial: Trial) -> None:
    run = find_run(trial.runs, "run_0")
    entered = enter_score(trial.runs, run, 0.76, None, "first try", NOW)
    assert entered.newly_registered and not entered.replaced
    again = enter_score(trial.runs, run, 0.7612, 0.75, "", NOW)
    assert again.replaced == "public 0.76" and not again.newly_registered
    (row,) = read_ledger(trial.runs)
    assert (row.public, row.private, row.note) == (0.7612, 0.75, "first try")
    assert (trial.runs / row.upload).exists()
    third = enter_score(trial.runs, run, 0.7612, None, "=now", datetime(2027, 1, 1, tzinfo=UTC))
    assert third.submission.private == 0.75 and third.submission.note == "'=now"
    assert third.submission.scored[:4] == "2026", "the same score again is no new one"


def test_a_file_that_changed_since_it_was_registered_gets_no_score(trial: Trial) -> None:
    row = submit(trial, "run_0")
    run = find_run(trial.runs, "run_0")
    change_last_answer(run)
    with pytest.raises(DataError, match=rf"changed since it was registered on 2026-11-23 \(sha256 {row.tag}, now"):
        enter_score(trial.runs, run, 0.5, None, "", NOW)
    run.write_manifest()                                    # nor if the run's seal was renewed
    with pytest.raises(DataError, match="changed since it was registered"):
        enter_score(trial.runs, run, 0.5, None, "", NOW)
    assert read_ledger(trial.runs) == [row]


def test_a_score_goes_to_the_run_that_registered_the_file(trial: Trial) -> None:
    submit(trial, "run_0")
    twin = later_run(trial, "run_0", change=False)
    with pytest.raises(DataError, match="is the same file as that of run_0/20261123-150000-.*, row 2 of"):
        enter_score(trial.runs, twin, 0.5, None, "", NOW)


def test_a_name_that_could_mean_two_runs_is_asked_about(trial: Trial) -> None:
    row = submit(trial, "run_0")
    first, second = find_run(trial.runs, "run_0"), later_run(trial, "run_0")
    with pytest.raises(DataError, match="run_0 could be .*20261123-150000-.*, registered and without a score, or the "):
        find_run_to_score(trial.runs, "run_0")
    assert find_run_to_score(trial.runs, str(first.root)) == first
    enter_score(trial.runs, first, 0.5, None, "", NOW)
    assert find_run_to_score(trial.runs, "run_0") == second
    assert read_ledger(trial.runs)[0].sha256 == row.sha256


def test_a_played_score_is_entered_by_what_the_file_is(trial: Trial, tmp_path: Path) -> None:
    row = submit(trial, "run_0")
    copy = tmp_path / "renamed.csv"
    copy.write_bytes((trial.runs / row.upload).read_bytes())
    entered = enter_played(trial.runs, copy, 0.5, None, NOW)
    assert entered is not None and entered.submission.run == row.run
    unregistered = find_run(trial.runs, "run_1")
    entered = enter_played(trial.runs, unregistered.submission, 0.6, 0.55, NOW)
    assert entered is not None and entered.newly_registered and entered.submission.private == 0.55
    copy.write_text("ImageID,ans\n")
    assert enter_played(trial.runs, copy, 0.7, None, NOW) is None
    assert [row.public for row in read_ledger(trial.runs)] == [0.5, 0.6]


@pytest.mark.parametrize(("text", "said"), [
    ("76.12", "the public score is 76.12; scores here are fractions of 1: write 0.7612."),
    ("0,7612", "the public score is '0,7612', which is no number; write 0.7612."),
    ("76.12%", "the public score is '76.12%', which is no number; expected one from 0 to 1, such as 0.7612."),
    ("best", "the public score is 'best', which is no number; expected one from 0 to 1, such as 0.7612."),
    ("", "the public score is '', which is no number; expected one from 0 to 1, such as 0.7612."),
    ("-0.1", "the public score is -0.1; a macro F1 lies between 0 and 1, such as 0.7612."),
    ("7612", "the public score is 7612; a macro F1 lies between 0 and 1, such as 0.7612."),
    ("nan", "the public score is nan; a macro F1 lies between 0 and 1, such as 0.7612."),
])
def test_a_score_that_is_no_macro_f1_is_a_sentence(text: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_score(text, "the public score")
    assert str(caught.value) == said


def test_the_ends_of_the_range_are_scores() -> None:
    assert parse_score("0", "s") == 0 and parse_score("1.0", "s") == 1 and parse_score("0.7612", "s") == 0.7612
