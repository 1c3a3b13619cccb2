import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def experiments(*arguments: str, importtime: bool = False) -> subprocess.CompletedProcess[str]:
    flags = ["-X", "importtime"] if importtime else []
    command = [sys.executable, *flags, "-m", "experiments", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)  # noqa: S603 - our own words


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], []])
def test_commands_that_only_read_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    answer = experiments(*arguments, importtime=True)
    imported = {line.split("|")[-1].strip().split(".")[0] for line in answer.stderr.splitlines() if "|" in line}
    assert answer.returncode == 0
    assert not imported & {"torch", "catalyst", "albumentations", "timm", "sklearn", "scipy", "matplotlib"}


def test_the_list_shows_every_experiment_with_its_question_and_result(tmp_path: Path) -> None:
    run = tmp_path / "smoke" / "20261123-150000-aaaaaaaaaa"
    run.mkdir(parents=True)
    (run / "MANIFEST.json").write_text("{}")
    (run / "scores.json").write_text('{"oof": {"f1": 0.51234}, "f1_mean": 0.5, "f1_sd": 0.02}')
    answer = experiments("--runs", str(tmp_path))
    said = " ".join(answer.stdout.split())
    assert "0.5123 (folds 0.5000 +- 0.0200)" in said and "2026-11-23" in said
    assert "focal_kfold" in said and "not run yet" in said
    assert max(map(len, answer.stdout.splitlines())) <= 100


def test_check_tells_what_is_there_and_what_is_wrong(competition: Path, tmp_path: Path) -> None:
    answer = experiments("check", "--data", str(competition))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "84" in answer.stdout  # twelve people, seven images each
    missing = experiments("check", "--data", str(tmp_path / "nowhere"))
    assert missing.returncode == 1 and "nowhere" in missing.stderr and "Traceback" not in missing.stderr


def test_one_damaged_run_or_module_does_not_hide_the_others(tmp_path: Path) -> None:
    from analysis.catalogue import catalogue

    texts = {"fine": '"""Is it?"""', "empty": '"""And this?"""', "fit": '"""All?"""', "broken": "def ("}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
        run = tmp_path / "runs" / name / "20261123-150000-aaaaaaaaaa"
        run.mkdir(parents=True)
        (run / "MANIFEST.json").write_text("{}")
        (run / "scores.json").write_text({"empty": "{}", "fit": '{"fits": [{}, {}]}'}.get(name, "{"))
    shown = {entry.name: entry for entry in catalogue(tmp_path, tmp_path / "runs")}
    assert shown["fine"].question == "Is it?" and "does not parse" in shown["broken"].question
    assert shown["fit"].result == "final fit, 2 networks: no score"
    assert shown["empty"].result == shown["fine"].result == "scores.json is missing or damaged"


def test_what_is_imported_is_no_garbage_at_the_end_of_a_command() -> None:
    """What is registered before the package is imported runs after what the package registers."""
    words = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000)); import experiments"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", words], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.stdout == "True\n"
