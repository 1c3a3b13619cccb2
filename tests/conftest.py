"""A competition small enough to train on in a second, and no way out to the network for any test."""

import ipaddress
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from runners.run_folder import RunFolder

# One thread a process, before torch is imported: pytest-xdist has a process on every core already, and threads that
# wait for a core take three times the processor time.
os.environ["OMP_NUM_THREADS"] = "1"
settings.register_profile("suite", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("suite")


_CALLS = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1}  # -> place of the address
_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")


def _is_here(host: object) -> bool:
    """Whether an address is this machine's loopback; a name is looked up by nobody, so only localhost is."""
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", b"localhost")


def _stay_here(event: str, arguments: tuple[object, ...]) -> None:
    """Refuses to call, or to listen to, whatever is beyond loopback: an audit hook, so no library gets around it."""
    if event in _CALLS:
        address = arguments[_CALLS[event]]
        if isinstance(address, tuple) and not _is_here(address[0]):  # of a Unix socket it is a path
            raise PermissionError(f"{event} {address}: tests stay on this machine")
    elif event in _LOOK_UPS:
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
        if host is not None and not _is_here(host):
            raise PermissionError(f"{event} {host}: tests stay on this machine")


sys.addaudithook(_stay_here)


@pytest.fixture(scope="session")
def competition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people to train on and three to predict, in the mask competition's layout, 48x64 pixels an image."""
    from data.synthetic import write_sample

    out = tmp_path_factory.mktemp("competition") / "sample"
    write_sample(out, train_persons=12, eval_persons=3, size=(64, 48))
    return out


@pytest.fixture
def together() -> Callable[[Callable[[int, Callable[[Any], Any]], Any], int], list[Any]]:
    """Runs work(rank, total) for each rank in a thread, and returns their answers; `total` sums a tensor over all."""

    def run(work: Callable[[int, Callable[[Any], Any]], Any], ranks: int) -> list[Any]:
        barrier, values = threading.Barrier(ranks, timeout=30), [None] * ranks

        def rank_of(rank: int) -> Any:
            def total(tensor: Any) -> Any:
                values[rank] = tensor.detach().clone()
                barrier.wait()
                summed = sum(values[1:], start=values[0])
                barrier.wait()
                return summed

            return work(rank, total)

        with ThreadPoolExecutor(ranks) as pool:
            return list(pool.map(rank_of, range(ranks)))

    return run


@pytest.fixture
def finished_run() -> Callable[..., "RunFolder"]:
    """Writes what a run leaves that was never trained: random weights of each fold, sealed."""
    from runners.experiment import build
    from runners.run_folder import RunFolder
    from runners.state import write_checkpoint, write_json

    def write(runs: Path, declaration: Any, class_names: Sequence[str], folds: int = 2) -> RunFolder:
        import torch

        run = RunFolder(runs / declaration.name / "20261128-120000-0123456789")
        for number in range(folds):
            torch.manual_seed(number)
            model = build("model", declaration.model, num_classes=len(class_names))
            for name, values in model.state_dict().items():  # as after training: no two tensors are alike
                if values.is_floating_point() and name not in ("mean", "std"):
                    values.add_(0.02 * torch.randn_like(values))
            write_checkpoint(run.fold(number).best, {"model": model.state_dict(), "config": declaration.record()})
        write_json(run.record, declaration.record())
        write_json(run.scores, {"classes": list(class_names)})
        run.write_manifest()
        return run

    return write
