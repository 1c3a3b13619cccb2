"""Nothing calls out, nothing listens beyond this machine, and no secret of the environment gets into a result."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.smoke import EXPERIMENT
from runners import main
from runners.display import make_console

PROJECT = Path(__file__).parents[2]
ELSEWHERE = "192.0.2.1"  # of RFC 5737: no machine has it
KEYS = {
    "AWS_SECRET_ACCESS_KEY": "planted/aws+0123456789",
    "HF_TOKEN": "hf_planted0123456789",
    "KAGGLE_KEY": "planted-kaggle-0123456789",
    "WANDB_API_KEY": "planted-wandb-0123456789",
    "MLFLOW_TRACKING_URI": "https://user:planted-mlflow-0123456789@example.invalid",
    "GIT_ASKPASS_TOKEN": "planted-git-0123456789",
    "https_proxy": "http://user:planted-proxy-0123456789@127.0.0.1:9",
    "SECRET": "planted-0123456789",
}


@pytest.mark.parametrize(
    "call",
    [
        lambda: socket.create_connection((ELSEWHERE, 80), timeout=0.1),
        lambda: socket.socket().connect((ELSEWHERE, 80)),
        lambda: socket.socket().connect_ex((ELSEWHERE, 80)),
        lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", (ELSEWHERE, 53)),
        lambda: socket.getaddrinfo("example.invalid", 80),
        lambda: socket.gethostbyname("example.invalid"),
        lambda: socket.socket().bind(("0.0.0.0", 0)),  # noqa: S104 - is to be refused
        lambda: socket.socket().bind(("", 0)),
    ],
)
def test_the_suite_has_no_way_out(call: Callable[[], object]) -> None:
    with pytest.raises(PermissionError, match="tests stay on this machine"):
        call()


def test_this_machine_can_be_called() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass


def fast_run(experiment: object, module: str, competition: Path, runs: Path) -> Path:
    """A run of one batch of every stage, in this process."""
    from data.cache_build import GIB, CacheSettings
    from runners.compute import Compute
    from runners.workspace import Workspace

    compute = Compute("cpu", threads=1, workers=0, jobs=1)
    settings = CacheSettings(runs / "cache", GIB, processes=1)
    source = PROJECT / "experiments" / f"{module}.py"
    workspace = Workspace(competition, runs / "runs", compute, settings, fast=True, console=make_console())
    return main.run_experiment(experiment, source, workspace).root


def test_secrets_of_the_environment_are_in_no_result(
    tmp_path: Path, competition: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    figures: Callable[[str, str], None],
) -> None:  # fmt: skip
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    root = fast_run(EXPERIMENT, "smoke", competition, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert root.joinpath("MANIFEST.json") in files and root.joinpath("environment.json") in files
    told = capsys.readouterr()
    for place, body in [*((path, path.read_bytes()) for path in files), ("output", (told.out + told.err).encode())]:
        assert b"planted" not in body, place
        assert not [name for name in KEYS if name.encode() in body], place
    figures("secrets", f"{len(KEYS)} planted keys, {len(files)} files of a run: none holds one")


LISTENING = """
import sys
from pathlib import Path
rows = [line.split() for name in ("tcp", "tcp6", "udp", "udp6") for line in Path("/proc/net", name).open()]
print(*sorted({row[1] for row in rows if row[3] in ("0A", "07")}))
"""


def test_a_run_without_any_network(
    tmp_path: Path, competition: Path, lane: Callable[[int, int], int], figures: Callable[[str, str], None]
) -> None:
    """In a network of its own with nothing in it, not even loopback: folds in processes, workers, then the report."""
    unshare = shutil.which("unshare")
    if not lane(0, 1) or unshare is None:
        pytest.skip("the full lane, on Linux")
    words = ["-m", "experiments.smoke", "--data", str(competition), "--jobs", "2", "--workers", "1", "--threads", "1"]
    script = f"""
        {sys.executable} {" ".join(words)} & run=$!
        while kill -0 $run 2> /dev/null; do {sys.executable} -c '{LISTENING}'; done | sort -u > listening
        wait $run && {sys.executable} -m experiments report --out report.html
    """
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(  # noqa: S603 - our own words
        [unshare, "--net", "--map-root-user", "sh", "-ec", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (tmp_path / "report.html").exists() and list(tmp_path.glob("runs/smoke/*/MANIFEST.json"))
    listening = set((tmp_path / "listening").read_text().split())
    beyond = [each for each in listening if not each.startswith(("0100007F:", "00000000000000000000000001000000:"))]
    assert not beyond, f"a run listens on {beyond}"
    figures("network", f"a run of two processes and its report without a network; {len(listening)} sockets listened")
