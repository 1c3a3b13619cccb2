"""How long until a command answers, and until a run that finds its cache trains: python -m benchmarks.startup

[--images 980 18900] [--rounds 3] [--small]. Help is timed as a person waits for it, start of Python included. The first
batch is timed in a process that has run on ten people before, so that everything is imported: from the call that the
command line makes until the first training batch is given to the network. In between the tables are read and split, the
declaration is checked, data and code are hashed into the run's identity, its folder is written, every row of the cache
is checked, and network and loaders are built: those of experiments/baseline.py, one fold at a time, no test images.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.linked_images import write_competition
from benchmarks.machine import machine
from data.cache import cache_bytes
from data.cache_build import GIB, CacheSettings
from runners.compute import Compute, available_cores

PROJECT = Path(__file__).parents[1]
COMMANDS = ("experiments", "experiments.baseline")
HELP_GOAL, BATCH_GOAL = 1.0, 2.0  # seconds
SIZES = ((128, 96), (256, 192))  # (H, W)
FEW = 70  # images of the run before, which imports what a run imports

Seconds = tuple[float, float]  # wall, CPU


class FirstBatch(BaseException):
    """The first training batch has come; nothing catches this on its way out of the run."""


def help_seconds(module: str) -> float:
    """Wall seconds of `python -m <module> --help`."""
    start = perf_counter()
    command = [sys.executable, "-m", module, "--help"]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed words
    return perf_counter() - start


def first_batches(few: Path, data: Path, folder: Path, size: tuple[int, int], rounds: int) -> list[Seconds]:
    """Of the first start in this process, on `few` images and with all imports; then of `rounds` starts on `data`."""
    imported = until_first_batch(few, folder, size)
    until_first_batch(data, folder, size)  # makes the cache, if there is none
    return [imported, *(until_first_batch(data, folder, size) for _ in range(rounds))]


def until_first_batch(data: Path, folder: Path, size: tuple[int, int]) -> Seconds:
    """How long a new run takes until it gives the first batch of images at `size` to its network."""
    start, cpu = perf_counter(), process_time()
    from benchmarks.small_run import small_experiment  # what a run needs is imported here, on the clock
    from data.transforms import flip_shift_colour
    from runners.display import make_console
    from runners.main import run_experiment
    from runners.models import timm_classifier
    from runners.supervised import ClassificationRunner
    from runners.workspace import Workspace

    def stop(self: ClassificationRunner, batch: object) -> None:
        raise FirstBatch

    experiment = replace(
        small_experiment(Path(__file__).stem, size, epochs=12, batch_size=16),
        model=partial(timm_classifier, backbone="mobilenetv3_small_050", pretrained=None, drop_rate=0.1),
        train_transform=partial(
            flip_shift_colour, size=size, flip=0.5, shift=0.05, scale=0.1, rotate=8, brightness=0.15, contrast=0.15
        ),
    )
    settings, compute = CacheSettings(folder / "cache", 100 * GIB, available_cores()), Compute("cpu", 1, 0, 1)
    as_it_was, ClassificationRunner.handle_batch = ClassificationRunner.handle_batch, stop  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory(dir=folder) as runs, redirect_stdout(StringIO()):
            workspace = Workspace(data, Path(runs), compute, settings, False, make_console())
            run_experiment(experiment, Path(__file__), workspace)
    except FirstBatch:
        return perf_counter() - start, process_time() - cpu
    finally:
        ClassificationRunner.handle_batch = as_it_was  # type: ignore[method-assign]
    raise RuntimeError("the run ended before its first batch")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables; 100 columns at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[980, 18_900])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="few images and one size, to see that it runs")
    given = parser.parse_args(arguments)
    print(f"{'command':<40} {'wall s':>8}   goal")
    for module in COMMANDS:
        wall = statistics.median(help_seconds(module) for _ in range(given.rounds))
        print(f"python -m {module + ' --help':<30} {wall:>8.2f}   < {HELP_GOAL:g}", flush=True)
    print(f"\n{'first batch':<24} {'cache':>9} {'wall s':>8} {'CPU s':>7}   goal     imports and 70 images: s")
    for images in [FEW] if given.small else given.images:
        for size in SIZES[:1] if given.small else SIZES:
            _print_first_batch(images, size, given.rounds)
    print(f"\n{machine()}")


def _print_first_batch(images: int, size: tuple[int, int], rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        few, data = (
            write_competition(Path(folder) / name, n, (32, 24)) for name, n in (("few", FEW), ("data", images))
        )
        fresh = get_context("spawn")  # a process that has imported nothing of a run yet
        with ProcessPoolExecutor(1, mp_context=fresh) as pool:
            imported, *starts = pool.submit(first_batches, few, data, Path(folder), size, rounds).result()
    wall, cpu = (statistics.median(column) for column in zip(*starts, strict=True))
    name, gib = f"{images:,} of {size[0]}x{size[1]}", cache_bytes(images, size) / GIB
    print(f"{name:<24} {gib:>5.2f} GiB {wall:>8.2f} {cpu:>7.2f}   <= {BATCH_GOAL:g}     {imported[0]:>.2f}", flush=True)


if __name__ == "__main__":
    main()
