"""The layout is a rule: which package may import which, and where the heavy libraries may be."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGES = {
    "experiments": {"experiments", "analysis", "runners", "callbacks", "data"},
    "analysis": {"analysis", "runners", "callbacks", "data"},
    "runners": {"runners", "callbacks", "data"},
    "callbacks": {"callbacks", "data"},
    "data": {"data"},
}
READ_BY_ANALYSIS = {"runners.run_folder", "runners.state", "runners.question", "runners.file_lock", "callbacks.metrics"}
LIBRARIES = {
    "catalyst": {"runners/fold.py", "runners/supervised.py", "callbacks/*.py", "callbacks/trackers/*.py"},
    "timm": {"runners/models.py", "runners/optimizers.py", "runners/parameter_groups.py"},
    "albumentations": {"data/transforms.py", "data/augmentations.py"},
    "accelerate": {"runners/supervised.py"},
    "ray": {"runners/cluster/ray_cluster.py"},
    "onnx": {"runners/deployment/onnx_network.py"},
    "onnxruntime": {"runners/deployment/onnx_network.py"},
    "torch": {
        "experiments/*.py",
        "runners/*.py",
        "runners/deployment/*.py",
        "runners/diagnostics/*.py",
        "runners/search/*.py",
        "callbacks/*.py",
        "data/*.py",
    },
}
FILES = [path for package in PACKAGES for path in sorted((PROJECT / package).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide the direction"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_imports_follow_the_layout(path: Path) -> None:
    package = path.relative_to(PROJECT).parts[0]
    for name in imports(path):
        root = name.split(".")[0]
        if root in PACKAGES:
            assert root in PACKAGES[package], f"{path} imports {name}"
        if root == "experiments":
            assert path.name.startswith("_"), f"{path}: experiments are imported by nothing"
        if package == "analysis" and root in ("runners", "callbacks"):
            assert ".".join(name.split(".")[:2]) in READ_BY_ANALYSIS, f"{path} imports {name}"
        if root in LIBRARIES:
            relative = path.relative_to(PROJECT)
            assert any(relative.match(place) for place in LIBRARIES[root]), f"{path} imports {name}"


def test_there_is_no_cycle_between_modules() -> None:
    modules = {path.relative_to(PROJECT).with_suffix("").as_posix().replace("/", "."): path for path in FILES}
    edges = {
        module: {target for name in imports(path) for target in (name, name.rpartition(".")[0]) if target in modules}
        for module, path in modules.items()
    }
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in done:
            for target in edges[module]:
                visit(target, (*above, module))
            done.add(module)

    for module in modules:
        visit(module, ())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250
    assert not {"utils", "helper", "helpers", "misc", "manager", "common"} & set(path.stem.split("_"))


def test_the_environment_is_set_up_with_a_pip_that_accepts_catalyst() -> None:
    """pip from 24.1 on refuses Catalyst's metadata, and Catalyst does not declare all that it imports."""
    makefile, pins = (PROJECT / "Makefile").read_text(), (PROJECT / "requirements.txt").read_text()
    assert makefile.index("pip==24.0") < makefile.index("-r requirements.txt")
    assert "six==" in pins and "setuptools==" in pins and "catalyst[" not in pins
    for file in PROJECT.glob("requirements*.txt"):
        for line in file.read_text().splitlines():
            assert "==" in line or line.startswith(("#", "-r ")) or not line, f"{file.name}: {line} is not pinned"


def test_what_is_imported_is_pinned() -> None:
    """By the name of the package that ships it: what another package happens to bring may be gone with its next one."""
    lines = [line for file in PROJECT.glob("requirements*.txt") for line in file.read_text().splitlines()]
    pinned = {line.split("==")[0].lower() for line in lines}
    shipped_by = packages_distributions()
    for path in FILES:
        for root in (
            {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names - {*PACKAGES, "benchmarks"}
        ):
            shippers = {shipper.lower() for shipper in shipped_by.get(root, [])}
            assert pinned & shippers, f"{path} imports {root}, which is not pinned"
