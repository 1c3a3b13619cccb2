import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runners import environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout that the project is taken for, with one file that git has to look at again."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git here")

    def run(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run([git, "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)  # noqa: S603

    file = tmp_path / "runners.py"
    run("init")
    file.write_text("1")
    run("add", ".")
    run("commit", "-m", "one")
    os.utime(file, (1, 1))
    monkeypatch.setattr(environment, "__file__", str(file))
    return tmp_path


def test_commit_and_dirt_are_read_without_a_lock(checkout: Path) -> None:
    """`git status` writes what it found into the index: killed with a run, it would leave index.lock to the user."""
    index = checkout / ".git" / "index"
    before = index.stat().st_mtime_ns, index.read_bytes()
    found = environment._commit()
    assert len(str(found["commit"])) == 40 and found["dirty"] is False
    assert (index.stat().st_mtime_ns, index.read_bytes()) == before
    (checkout / "runners.py").write_text("2")
    assert environment._commit()["dirty"] is True


def test_without_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "environment.py"))
    assert environment._commit() == {}


def test_another_number_of_processes_a_fold_is_said_and_older_runs_had_one(tmp_path: Path) -> None:
    def now(ranks: int) -> dict[str, object]:
        compute = environment.Compute("cpu", threads=1, workers=0, jobs=1, ranks=ranks)
        return environment.environment(compute, tmp_path)

    before = now(1)
    del before["compute"]["ranks"]
    assert list(environment._changes(before, now(1))) == []
    assert list(environment._changes(before, now(2))) == ["ranks 1 before, 2 now"]
