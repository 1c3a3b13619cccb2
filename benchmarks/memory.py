"""How much memory do five folds take, two at a time? python -m benchmarks.memory [--images 18900] [--size 128 96]

A run of five folds and one epoch with a small network, on 18,900 small JPEGs that are cached at the size. Every image
is trained on, validated or predicted in each fold, so each fold's process reads every row of the cache. Meanwhile the
whole tree of processes is looked at four times a second, in /proc/<pid>/smaps: this needs Linux.

RSS counts a shared page once for each process, PSS divides it among them: the sum of PSS is what the tree takes. The
cache's pages are the page cache of its file, which the system takes back when others need it; what the tree takes
without them is what the goal bounds. They are shared if the sum of PSS of the mapping does not exceed its file.
"""

import argparse
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

from benchmarks.linked_images import IMAGES as IMAGES_A_PERSON
from benchmarks.linked_images import write_competition
from benchmarks.machine import machine
from data.cache import IMAGES, cache_bytes
from data.cache_build import GIB, CacheSettings, open_cache
from data.errors import DataError
from data.reading import read_data
from runners.compute import Compute, available_cores

GOAL = 1.5  # GiB, the network's own weights and activations aside
LOOK_SECONDS = 0.25
_HEADER = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")


@dataclass(frozen=True)
class Look:
    """What a tree of processes took at one moment, in bytes; cache_*: of the mappings of the cache's file."""

    processes: int
    rss: int
    pss: int
    cache_rss: int
    cache_pss: int

    @property
    def own(self) -> int:
        """What is taken without the cache's pages."""
        return self.pss - self.cache_pss


def look(root: int) -> Look:
    """The process `root` and all below it; what ends meanwhile is left out."""
    rss = pss = cache_rss = cache_pss = processes = 0
    for pid in _tree(root):
        try:
            text = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace")
        except (ProcessLookupError, FileNotFoundError, PermissionError):
            continue
        processes += 1
        in_cache = False
        for line in text.splitlines():
            if _HEADER.match(line):
                in_cache = line.endswith(f"/{IMAGES}")
            elif line.startswith(("Rss:", "Pss:")):
                size = int(line.split()[1]) * 1024
                if line[0] == "R":
                    rss, cache_rss = rss + size, cache_rss + size * in_cache
                else:
                    pss, cache_pss = pss + size, cache_pss + size * in_cache
    return Look(processes, rss, pss, cache_rss, cache_pss)


def _tree(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except (ProcessLookupError, FileNotFoundError):
            continue
        for child in children:
            yield from _tree(int(child))


def run(data: Path, folder: Path, size: tuple[int, int], jobs: int) -> None:
    """A run of five folds, `jobs` at a time."""
    from benchmarks.small_run import small_experiment
    from runners.display import make_console
    from runners.main import run_experiment
    from runners.workspace import Workspace

    experiment = small_experiment(Path(__file__).stem, size, epochs=1, batch_size=64)
    settings, compute = CacheSettings(folder / "cache", 100 * GIB, available_cores()), Compute("cpu", 1, 0, jobs)
    with tempfile.TemporaryDirectory(dir=folder) as runs, redirect_stdout(StringIO()):
        workspace = Workspace(data, Path(runs), compute, settings, False, make_console())
        run_experiment(experiment, Path(__file__), workspace)


def looks_at_run(images: int, size: tuple[int, int], jobs: int) -> list[Look]:
    """The tree of a process that makes a run, as long as it takes; its cache is made here, before."""
    with tempfile.TemporaryDirectory() as name:
        folder, looks = Path(name), list[Look]()
        data = write_competition(folder / "data", images, (32, 24))
        settings = CacheSettings(folder / "cache", 100 * GIB, available_cores())
        if open_cache(settings, data, read_data(data).train["path"].tolist(), size, lambda text: None) is None:
            raise DataError(f"There is no room for a cache of {images:,} images of {size[0]}x{size[1]}.")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pid = pool.submit(os.getpid).result()
            working = pool.submit(run, data, folder, size, jobs)
            while not working.done():
                looks.append(look(pid))
                time.sleep(LOOK_SECONDS)
            working.result()
    return looks


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; 100 columns at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=18_900)
    parser.add_argument("--size", type=int, nargs=2, default=(128, 96), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args(arguments)
    if not Path("/proc/self/smaps").exists():
        parser.error("there is no /proc/self/smaps here: only Linux tells which pages are shared.")
    size = (given.size[0], given.size[1])
    file = cache_bytes(-(-given.images // IMAGES_A_PERSON) * IMAGES_A_PERSON, size)
    print(f"{given.images:,} images of {size[0]}x{size[1]}, a cache of {file / GIB:.2f} GiB; the most of each, in GiB")
    columns = f"{'RSS':>6} {'PSS':>6} {'cache RSS':>10} {'cache PSS':>10} {'without it':>11}"
    print(f"{'folds at a time':>15} {'processes':>9} {columns}   goal")
    for jobs in given.jobs:
        looks = looks_at_run(given.images, size, jobs)
        names = ("rss", "pss", "cache_rss", "cache_pss", "own")
        most = {name: max(getattr(one, name) for one in looks) / GIB for name in names}
        print(
            f"{jobs:>15} {max(one.processes for one in looks):>9} {most['rss']:>6.2f} {most['pss']:>6.2f} "
            f"{most['cache_rss']:>10.2f} {most['cache_pss']:>10.2f} {most['own']:>11.2f}   <= {GOAL}",
            flush=True,
        )
    print("RSS counts a page once for each mapping, PSS once: shared, the cache's PSS is at most its file")
    print(machine())


if __name__ == "__main__":
    main()
