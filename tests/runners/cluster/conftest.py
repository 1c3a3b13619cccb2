"""Two raylets on loopback: a real Ray cluster of two nodes with a processor each."""

import os
import secrets
import tempfile
from collections.abc import Iterator

import pytest

from runners.cluster.ray_cluster import cluster_of
from runners.compute import Compute

_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # addresses of this machine are loopback's
}
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
