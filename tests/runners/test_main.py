import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def python(*arguments: str, cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "80"}
    return subprocess.run([sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True)  # noqa: S603


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--data", "nowhere"], 1, "error: There is no data at nowhere: --data takes a competition's folder, or a CSV"),
        ([], 1, "error: There is no data at input/sample: `python -m data.synthetic --out input/sample` makes it"),
        (["--device", "tpu"], 2, "'tpu' is not a device: auto, cpu or cuda"),
        (["--epochs", "5"], 2, "No such option"),
        (["--threads", "0"], 2, "greater than or equal to 1"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_a_code(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    answer = python("-m", "experiments.smoke", *arguments, cwd=tmp_path)
    said = answer.stdout + answer.stderr
    assert answer.returncode == code, said
    assert sentence in " ".join(said.replace("│", " ").split()) and "Traceback" not in said


def test_an_unreadable_image_is_one_sentence_also_from_a_worker_process(tmp_path: Path, competition: Path) -> None:
    shutil.copytree(competition, tmp_path / "damaged")
    images = sorted((tmp_path / "damaged/train/images").rglob("*.jpg"))
    for image in (path for path in images if not path.name.startswith(".")):
        image.write_bytes(image.read_bytes()[:500])
    arguments = ["--data", str(tmp_path / "damaged"), "--runs", str(tmp_path / "runs"), "--fast", "--workers", "1"]
    answer = python("-m", "experiments.smoke", *arguments, cwd=tmp_path)
    assert answer.returncode == 1 and "Traceback" not in answer.stdout + answer.stderr
    assert answer.stderr.startswith("error: ") and answer.stderr.count("\n") == 1 and ".jpg" in answer.stderr


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name="smoke"', 'name="other"', "copied.py declares name='other': 'copied', as the file, would be right."),
        ("epochs=EPOCHS", "epoch=EPOCHS", "unexpected keyword argument 'epoch'"),
        ("epochs=EPOCHS", "epochs=0", "epochs is 0: a whole number from 1 on would be right."),
    ],
)
def test_a_mistake_in_a_declaration_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    package = tmp_path / "experiments"
    package.mkdir()
    (package / "__init__.py").write_text((PROJECT / "experiments" / "__init__.py").read_text())
    (package / "copied.py").write_text((PROJECT / "experiments" / "smoke.py").read_text().replace(old, new))
    answer = python("-m", "experiments.copied", cwd=tmp_path)
    said = answer.stdout + answer.stderr
    assert answer.returncode == 1 and sentence in said and "Traceback" not in said, said


def test_a_runs_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, competition: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    answer = python("-m", "experiments.smoke", "--data", str(competition), "--runs", "runs", "--fast", cwd=tmp_path)
    assert answer.returncode == 1 and "smoke: Not a directory." in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_signal_ends_a_run_with_all_its_processes_and_says_how_to_go_on(
    tmp_path: Path, competition: Path, number: int, code: int, jobs: str
) -> None:
    options = ["--data", str(competition), "--runs", str(tmp_path), "--jobs", jobs, "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    # a shell's background job ignores Ctrl-C, and so would its children: the suite may be run as one
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", "experiments.baseline", *options],
        env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert any("epoch" in line for line in process.stdout)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, said = process.communicate(timeout=60)  # the pipes close when the last process is gone
    assert process.returncode == code, said
    assert said.startswith("error: ") and "The same command continues" in said and said.count("\n") == 1


def test_threads_are_as_many_as_this_process_may_use() -> None:
    code = "import os; os.sched_setaffinity(0, {0}); from runners.compute import available_cores as a; print(a())"
    assert python("-c", code).stdout == "1\n"


def test_help_asks_the_experiments_question() -> None:
    answer = python("-X", "importtime", "-m", "experiments.focal_kfold", "--help")
    assert answer.returncode == 0 and "Does focal loss help the rare classes" in answer.stdout
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "typer" in imported and not imported & {"torch", "pandas"}, "help waits for nothing it does not use"


def test_lines_in_a_pipe_are_plain_and_at_most_100_columns(tmp_path: Path, competition: Path) -> None:
    answer = python("-m", "experiments.smoke", "--data", str(competition), "--runs", "r", "--fast", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "\x1b" not in answer.stdout and "\r" not in answer.stdout
    long = [line for line in answer.stdout.splitlines() if len(line.replace(str(competition), "")) > 100]
    assert not long
    assert "epoch 1/1" in answer.stdout and "submission.csv" in answer.stdout
    assert "Warning" not in answer.stderr, answer.stderr
