"""Two raylets on loopback: a real Ray cluster of two nodes with a processor each; and folds that need none."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from data.cache import cache_bytes
from data.cache_build import CacheSettings
from runners.cluster.ray_cluster import cluster_of
from runners.compute import Compute
from runners.first_fold import read_split
from runners.fold_rows import Fold
from runners.kfold import make_caches, make_folds
from runners.run_folder import RunFolder

_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # addresses of this machine are loopback's
}
SIZE = (32, 24)  # of the images of `declare`
_NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "node_ip_address": "127.0.0.1", "include_dashboard": False}


@pytest.fixture(scope="session")
def connected(cluster) -> Iterator[Compute]:
    """What a fold is given there; one connection for all tests: the workers of each are slow to start."""
    with cluster_of(cluster.address, "auto", None, None, 0) as compute:
        yield compute


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """`address`, and `worker_nodes` of which one can be killed; all gone in the end."""
    before = dict(os.environ)
    os.environ.update(_ENVIRONMENT, RAY_AUTH_TOKEN=secrets.token_hex(32))
    # What is sent to a node goes where a test's files go; names of Ray's own sockets must be shorter than those
    os.environ.update(TMPDIR=str(tmp_path_factory.mktemp("node")), RAY_TMPDIR=tempfile.gettempdir())
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args=_NODE)
    try:
        made.add_node(**_NODE)
        yield made
    finally:
        made.shutdown()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def make_fold(tmp_path: Path, competition: Path, declare) -> Callable[..., Fold]:
    """Makes the first fold of a run whose data and caches are the test's own: caches of all, of "test" images, none."""

    def make(cached: str = "") -> Fold:
        experiment, root = declare(), tmp_path / "data"
        shutil.copytree(competition, root, dirs_exist_ok=True)
        data, folds = read_split(experiment, root)
        limit = {"": 0, "test": cache_bytes(len(data.test), SIZE), "all": 2**30}[cached]
        console = Console(file=open(os.devnull, "w"))
        caches = make_caches(CacheSettings(tmp_path / "cache", limit, processes=1), experiment, data, console)
        run = RunFolder(tmp_path / "runs/tiny/20261128-120000-0123456789")
        made = make_folds(experiment, data, folds, run, Compute("cpu", threads=1, workers=0, jobs=1), caches)
        made[0].folder.root.mkdir(parents=True, exist_ok=True)
        return made[0]

    return make
