"""A node with other code than the command is refused, with what differs; one that the code was sent to is not."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from runners.cluster.same_code import Code, code_files, code_of, other_code

PROJECT = Path(__file__).parents[3]
NODE = """
import json, sys
from runners.cluster.same_code import Code, other_code
print(other_code(Code(*json.loads(sys.argv[1]))))
"""


def node(folders: list[Path], code: Code, elsewhere: Path) -> str:
    """What a node says that has each package in a folder of its own, as Ray unpacks what it is sent."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", NODE, json.dumps([code.files, code.versions])],
        env=environment, cwd=elsewhere, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_code_that_was_sent_package_by_package_is_the_same_code(tmp_path: Path, make_fold) -> None:
    packages, code = ("data", "callbacks", "runners", "experiments"), code_of(make_fold())
    for package in packages:
        unlike = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, tmp_path / f"sent_{package}" / package, ignore=unlike)
    folders = [tmp_path / f"sent_{package}" for package in packages]
    assert node(folders, code, tmp_path) == ""
    (tmp_path / "sent_callbacks/callbacks/freeze.py").write_text("# another version\n")
    assert "another version of this project" in (said := node(folders, code, tmp_path))
    assert "(callbacks/freeze.py differs)" in said


def test_another_version_of_a_package_is_said_with_both(make_fold) -> None:
    code = code_of(make_fold())
    assert other_code(code) == ""
    numpy, absent = code.versions["numpy"], {"no-such-package": "1.0"}
    said = other_code(replace(code, versions={**code.versions, **absent, "numpy": "1.0"}))
    assert f" has numpy {numpy} and not 1.0, no-such-package (not installed) and not 1.0: the versions of" in said


def test_an_experiments_module_is_code_of_the_fold_that_imports_it(make_fold, monkeypatch) -> None:
    code = code_of(make_fold())
    other = replace(code, files={**code_files(), "experiments/smoke.py": "another", "experiments/new.py": "new"})
    assert "experiments/smoke.py" in code.files
    monkeypatch.delitem(sys.modules, "experiments.smoke", raising=False)
    assert other_code(other) == "", "one that is written meanwhile is no other version"
    monkeypatch.setitem(sys.modules, "experiments.smoke", ModuleType("experiments.smoke"))
    assert "(experiments/smoke.py differs)" in other_code(other)
