"""Whether a node runs the same code as the command: this project's, and the packages that decide about bits."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from platform import node as node_name
from typing import Any

from runners.environment import environment
from runners.fold_rows import Fold
from runners.state import file_digest

_PACKAGES = ("data", "callbacks", "runners", "experiments")  # what a fold imports of this project


@dataclass(frozen=True)
class Code:
    """What the command runs, for a node to compare."""

    files: Mapping[str, str]  # sha256 of each of the project's, by names such as runners/fold.py
    versions: Mapping[str, str]  # of packages from elsewhere


def code_of(fold: Fold) -> Code:
    """What this process makes a fold with."""
    versions: Any = environment(fold.compute, fold.data.root)["versions"]
    return Code(code_files(), versions)


def code_folders() -> list[Path]:
    """Where each package of the project is: on a node that it is sent to, each is in a folder of its own."""
    found = [find_spec(package) for package in _PACKAGES]
    return [Path(spec.origin).parent for spec in found if spec and spec.origin]


@cache
def code_files() -> dict[str, str]:
    """The sha256 of each of the project's files, as they are when this is first asked."""
    paths = [(folder, path) for folder in code_folders() for path in sorted(folder.rglob("*.py"))]
    return {path.relative_to(folder.parent).as_posix(): file_digest(path) for folder, path in paths}


def other_code(expected: Code) -> str:
    """A sentence where this node has other code than the command, with what differs; empty where it has the same."""
    here, there = code_files(), expected.files
    differ = sorted(name for name in {*here, *there} if here.get(name) != there.get(name) and _matters(name))
    if differ:
        return (
            f"Node {node_name()} has another version of this project, in {code_folders()[0].parent} ({differ[0]} "
            "differs): the same files, or none, would be right: where there are none, they are sent."
        )
    found = {name: _version(name) for name in expected.versions}
    others = [f"{name} {found[name]} and not {own}" for name, own in expected.versions.items() if found[name] != own]
    if others:
        return f"Node {node_name()} has {', '.join(others)}: the versions of the command would be right."
    return ""


def _matters(name: str) -> bool:
    """Of experiments the modules that this fold has imported do: the next one may be written while one is trained."""
    return not name.startswith("experiments/") or name.removesuffix(".py").replace("/", ".") in sys.modules


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
