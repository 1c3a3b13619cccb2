"""A Ray cluster: connected to, or started on this machine, and what it has. Ray is imported in runners/cluster alone.

Loopback unless an address says otherwise, dashboard and usage statistics off, no connection without the token.
"""

import os
import secrets
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

import typer

from data.errors import DataError
from runners.cluster.same_code import code_folders
from runners.compute import Compute, Executor

LOOPBACK = "127.0.0.1"
_OBJECT_STORE = 100 * 2**20  # bytes on this machine, where nothing but messages goes through it
_ANSWER_SECONDS = 5.0


@contextmanager
def local_cluster(compute: Compute) -> Iterator[Compute]:
    """A cluster of one node, this machine, as large as the folds at a time need; gone after the block."""
    need = fold_resources(compute)
    with _connected(
        {
            "address": "local",  # without it, a cluster that runs here, or that RAY_ADDRESS names, would be taken
            "_node_ip_address": LOOPBACK,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE,
            "num_cpus": need["num_cpus"] * compute.jobs,
            "num_gpus": None if need["num_gpus"] else 0,  # None: those that are there
        },
        {
            "RAY_AUTH_MODE": "token",  # whatever this process was told of other clusters
            "RAY_AUTH_TOKEN": secrets.token_hex(32),  # of this cluster alone; never on disk
            **_ON_LOOPBACK,
        },
        "",
    ):
        yield replace(compute, executor=Executor.ray)


@contextmanager
def cluster_of(address: str, device: str, jobs: int | None, threads: int | None, workers: int) -> Iterator[Compute]:
    """The cluster whose head is at `address`, as host:port; yields what a fold is given, and how many run at a time.

    DataError where nobody answers there, this machine is no node of it, or no node has room for a fold.
    """
    host = _host(address)
    arguments: dict[str, Any] = {
        "address": address,
        "runtime_env": {"py_modules": [str(folder) for folder in code_folders()]},
    }
    environment = {}
    if _is_loopback(host):
        arguments["_node_ip_address"] = LOOPBACK
        environment = _ON_LOOPBACK
    with _connected(arguments, environment, address):
        yield compute_on(node_resources(), device, jobs, threads, workers)


def compute_on(
    nodes: "list[dict[str, float]]", device: str, jobs: int | None, threads: int | None, workers: int
) -> Compute:
    """What a fold is given on nodes with these resources, and how many folds fit at a time."""
    if device not in ("auto", "cpu", "cuda"):
        raise typer.BadParameter(
            f"{device!r} is not a device: auto, cpu or cuda would be right.", param_hint="--device"
        )
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if device == "cuda" and not gpus:
        raise DataError("--device cuda: no node of the cluster has a GPU; cpu or auto would be right.")
    chosen = "cuda" if gpus and device != "cpu" else "cpu"
    compute = Compute(chosen, threads or 1, workers, jobs or 1, Executor.ray)
    room = folds_at_a_time(nodes, compute)
    if not room:
        need, most = fold_resources(compute)["num_cpus"], max((int(node.get("CPU", 0)) for node in nodes), default=0)
        raise DataError(
            f"A fold needs {need} CPUs (--threads {compute.threads}, --workers {workers})"
            f"{' and a GPU' if chosen == 'cuda' else ''}, and the largest node of the cluster has {most}."
        )
    return replace(compute, jobs=jobs or room)


def fold_resources(compute: Compute) -> dict[str, int]:
    """What a fold's task declares: a CPU a thread and a CPU a worker process, and on CUDA one GPU."""
    return {"num_cpus": compute.threads + compute.known_workers, "num_gpus": 1 if compute.device == "cuda" else 0}


def folds_at_a_time(nodes: "list[dict[str, float]]", compute: Compute) -> int:
    """How many folds fit on nodes with these resources."""
    need = fold_resources(compute)
    by_gpu = [int(node.get("GPU", 0)) if need["num_gpus"] else 10**6 for node in nodes]
    return sum(min(int(node.get("CPU", 0)) // need["num_cpus"], gpus) for node, gpus in zip(nodes, by_gpu, strict=True))


def node_resources() -> "list[dict[str, float]]":
    """The resources of each node that is alive."""
    return [node["Resources"] for node in import_ray().nodes() if node["Alive"]]


def import_ray() -> Any:
    """Ray; DataError with the command that installs it."""
    if find_spec("ray") is None:
        raise DataError(
            "--executor ray needs a package that is not installed: python -m pip install -r requirements-ray.txt"
        )
    import ray

    return ray


# Ray would call loopback by the machine's address on the network, unless it is told that there is none
_ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@contextmanager
def _connected(arguments: Mapping[str, Any], environment: Mapping[str, str], address: str) -> Iterator[None]:
    """Ray, connected; what it changes of this process is put right again."""
    os.environ.update(environment)
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a fold without a GPU: the variable is left alone
    ray = import_ray()
    if address:
        _check_answers(address)
    heeded = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**arguments, log_to_driver=False, logging_level="ERROR")
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError, AssertionError) as error:
        ray.shutdown()
        raise DataError(
            f"--executor ray: {'no connection to ' + address if address else 'no cluster could be started here'} "
            f"({_first_sentence(error)})."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, heeded)  # Ray puts its own in place
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """DataError where nobody listens: Ray itself would ask for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise DataError(
            f"--address {address}: no Ray cluster answers there ({error.strerror or error}); its head is started with "
            "`ray start --head --node-ip-address HOST --port PORT`."
        ) from error


def _host(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise typer.BadParameter(f"{address!r} is no HOST:PORT, such as 10.0.0.1:6379.", param_hint="--address")
    return host.strip("[]")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _first_sentence(error: BaseException) -> str:
    return " ".join(str(error).split()).partition(". ")[0].rstrip(".")[:200] or type(error).__name__
