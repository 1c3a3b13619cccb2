"""What a fold is given, and a cluster on this machine: what listens, and to whom."""

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import typer

from data.errors import DataError
from runners.cluster import ray_cluster
from runners.cluster.ray_cluster import cluster_of, compute_on, folds_at_a_time
from runners.compute import Compute, Executor

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("nodes", "threads", "workers", "device", "folds"),
    [
        ([{"CPU": 4.0}, {"CPU": 2.0}], 1, 0, "cpu", 6),
        ([{"CPU": 4.0}, {"CPU": 2.0}], 2, 1, "cpu", 1),  # a fold is never on two nodes
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0}], 1, 1, "cuda", 2),
        ([{"CPU": 2.0, "GPU": 4.0}], 1, 1, "cuda", 1),  # processors are short
    ],
)
def test_folds_at_a_time_are_as_many_as_fit(nodes, threads: int, workers: int, device: str, folds: int) -> None:
    assert folds_at_a_time(nodes, Compute(device, threads, workers, 1, Executor.ray)) == folds
    assert compute_on(nodes, device, None, threads, workers).jobs == folds
    assert compute_on(nodes, device, 1, threads, workers).jobs == 1


def test_a_cluster_with_gpus_is_used_for_them() -> None:
    nodes = [{"CPU": 8.0, "GPU": 2.0}]
    assert compute_on(nodes, "auto", None, None, 0).device == "cuda"
    assert compute_on(nodes, "cpu", None, None, 0).device == "cpu"


@pytest.mark.parametrize(
    ("device", "threads", "sentence"),
    [
        ("cpu", 5, r"A fold needs 6 CPUs \(--threads 5, --workers 1\), and the largest node of the cluster has 4\."),
        ("cuda", 1, "no node of the cluster has a GPU"),
    ],
)
def test_what_fits_nowhere_is_said_at_once(device: str, threads: int, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        compute_on([{"CPU": 4.0}, {"CPU": 2.0}], device, None, threads, 1)


def test_an_address_where_nobody_answers_is_one_sentence() -> None:
    with pytest.raises(DataError, match="--address 127.0.0.1:1: no Ray cluster answers there .*ray start --head"):
        with cluster_of("127.0.0.1:1", "cpu", 1, 1, 0):
            pass


@pytest.mark.parametrize("address", ["ray://127.0.0.1:10001", "head", "head:port", ":6379"])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no HOST:PORT"):
        with cluster_of(address, "cpu", 1, 1, 0):
            pass


def test_without_ray_the_command_that_installs_it_is_said(monkeypatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install -r requirements-ray.txt"):
        ray_cluster.import_ray()


LISTENERS = """
import os, signal, sys
from pathlib import Path
from runners.cluster.ray_cluster import local_cluster
from runners.compute import Compute

def children(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from children(child)

def listeners(pids):
    sockets = {os.readlink(file) for pid in pids for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                yield fields[1].rpartition(":")[0]

heeded = signal.getsignal(signal.SIGTERM)
with local_cluster(Compute("cpu", 1, 0, 2)) as compute:
    assert signal.getsignal(signal.SIGTERM) is heeded, "our handler is in place"
    pids = list(children(os.getpid()))
    print(sorted(set(listeners([os.getpid(), *pids]))))
    servers = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text().strip() in ("gcs_server", "raylet")]
    environments = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\\0") for pid in servers]
    asked = {b"RAY_AUTH_MODE=token", b"RAY_USAGE_STATS_ENABLED=0"}
    print(len(servers), all(asked <= set(one) for one in environments))
    import ray
    print(compute.executor, ray.cluster_resources()["CPU"])
print(*pids)
"""
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}  # as /proc says


def test_a_cluster_on_this_machine_listens_to_nobody_else_and_leaves_no_process() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment["TMPDIR"] = tempfile.gettempdir()  # names of Ray's sockets have 107 bytes at most
    environment["RAY_AUTH_MODE"] = "disabled"  # of other clusters
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", LISTENERS], env={**environment, "PYTHONPATH": str(PROJECT)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    listening, secured, compute, pids = answer.stdout.splitlines()[-4:]
    assert listening != "[]" and set(ast.literal_eval(listening)) <= LOOPBACK
    assert secured == "2 True" and compute == "ray 2.0"
    assert not [pid for pid in pids.split() if Path(f"/proc/{pid}").exists() and "Z" not in state(pid)]


def state(pid: str) -> str:
    return Path(f"/proc/{pid}/status").read_text().split("State:")[1].split()[0]
