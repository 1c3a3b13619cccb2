"""The rules against unsafe code are on, their exceptions have reasons, and what they would miss is not there."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PYPROJECT = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
PACKAGES = ("experiments", "analysis", "runners", "callbacks", "data")
FILES = [path for package in PACKAGES for path in sorted((PROJECT / package).rglob("*.py"))]
UNSAFE_MODULES = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "telnetlib", "ftplib", "xmlrpc",
    "urllib.request", "http.client", "http.server", "socket", "socketserver", "requests",
}  # fmt: skip
REASONED = {
    "runners/cluster/ray_cluster.py": {"socket"},  # asks whether a head answers; Ray itself asks for a minute
    "runners/ranks.py": {"socket"},  # asks what this machine's loopback is called; none is opened
}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "torch.hub.load",
                "pd.read_pickle", "pd.eval", "subprocess.getoutput"}  # fmt: skip


def test_ruffs_security_rules_are_on() -> None:
    lint = tomllib.loads(PYPROJECT)["tool"]["ruff"]["lint"]
    assert "S" in lint["select"] and not [rule for rule in lint["ignore"] if rule.startswith("S")]
    for pattern, rules in lint["per-file-ignores"].items():
        security = [rule for rule in rules if rule.startswith("S")]
        assert not security or pattern.startswith("tests/"), f"{pattern} switches off {security}"
        line = next(line for line in PYPROJECT.splitlines() if line.startswith(f'"{pattern}"'))
        assert not security or len(line.partition("#")[2]) > 20, f"{pattern}: the reason is missing"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_an_exception_from_a_rule_says_why(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for reason in re.findall(r"# noqa: S\d+(.*)", line):
            assert len(reason.strip(" -()")) > 8, f"{path}:{number}: the reason of {line.strip()!r} is missing"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_nothing_unpickles_evaluates_calls_a_shell_or_opens_a_socket(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else {str(node.module)}
            unsafe = names & UNSAFE_MODULES - REASONED.get(path.relative_to(PROJECT).as_posix(), set())
            assert not unsafe, f"{path}:{node.lineno} imports {unsafe}"
        if not isinstance(node, ast.Call):
            continue
        called, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        assert called not in UNSAFE_CALLS, f"{path}:{node.lineno} calls {called}"
        assert given.get("shell", "False") == "False", f"{path}:{node.lineno} calls a shell"
        assert given.get("allow_pickle", "False") == "False", f"{path}:{node.lineno} allows pickles"
        if called == "torch.load":
            assert given.get("weights_only") == "True", f"{path}:{node.lineno} loads more than weights"
