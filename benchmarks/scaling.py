"""Does twice the data cost at most twice? python -m benchmarks.scaling [--images 1000 10000 100000] [--rounds 1]

Small images (32x24 JPEGs), seven a person, 18 classes. Each piece of work is done in a process of its own, after it was
done once on few images, so that imports do not count. The exponent is the slope between two sizes on doubly
logarithmic paper: log(cost / cost before) / log(images / images before), of CPU seconds, so that other work on the
machine matters less; 1 is linear. Goal: at most 1, which a measurement of such a ratio can miss by 0.1.
"""

import argparse
import math
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from analysis.comparison.resampled import resample
from benchmarks.apart import MIB, Cost, Work, cost_of
from benchmarks.linked_images import write_competition, write_csv_data
from benchmarks.machine import machine
from benchmarks.small_run import FOLDS, small_experiment
from data.cache_build import GIB, CacheSettings, open_cache
from data.metadata import ImageData
from data.reading import read_data
from data.splits import PersonSplit, PersonStratifiedKFold, split_text
from runners.compute import Compute, available_cores
from runners.fold import run_fold
from runners.fold_rows import Fold
from runners.identity import folds_table, identity_parts
from runners.kfold import gather
from runners.run_folder import RunFolder
from runners.state import write_bytes

SIZE = (32, 24)  # (H, W)
TOLERANCE = 0.1
FEW = 350  # images that everything is tried on first
CLASSES = 18


def _competition(folder: Path) -> ImageData:
    return read_data(folder / "competition")


def _split(data: ImageData) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return PersonStratifiedKFold(folds=FOLDS).assign(data.train, seed=0)


def read_competition(folder: Path) -> Work:
    """train.csv and every person's folder."""
    return partial(_competition, folder)


def read_csv(folder: Path) -> Work:
    """data.csv and every folder of images."""
    return partial(read_data, folder / "csv/data.csv")


def split(folder: Path) -> Work:
    """Folds by person."""
    return partial(_split, _competition(folder))


def write_split(folder: Path) -> Work:
    """folds.csv, written and read back."""
    data = _competition(folder)
    table = folds_table(data, _split(data))

    def work() -> None:
        write_bytes(folder / "folds.csv", split_text(table).encode())
        PersonSplit.from_csv(folder / "folds.csv").assign(data.train, seed=0)

    return work


def identify(folder: Path) -> Work:
    """The run's identity: hashes of declaration, split, every file's size, and the code."""
    data = _competition(folder)
    table, record = folds_table(data, _split(data)), small_experiment("scaling", SIZE, epochs=1, batch_size=64).record()
    return partial(identity_parts, record, table, data, Path(__file__), False)


def cache(folder: Path) -> Work:
    """Every image decoded once; and, as it is there the second time, found and checked row by row."""
    paths = _competition(folder).train["path"].tolist()
    settings = CacheSettings(folder / "cache", 100 * GIB, available_cores())

    def work() -> None:
        if open_cache(settings, folder / "competition", paths, SIZE, lambda text: None) is None:
            raise RuntimeError("no room for the cache")

    return work


def epoch(folder: Path) -> Work:
    """One fold of a network that costs little: an epoch, its validation and commit, predictions; over the cache."""
    data, run = _competition(folder), RunFolder(Path(tempfile.mkdtemp(dir=folder, prefix="run-")))
    settings = CacheSettings(folder / "cache", 100 * GIB, available_cores())
    found = open_cache(settings, data.root, data.train["path"].tolist(), SIZE, lambda text: None)
    experiment, compute = small_experiment("scaling", SIZE, epochs=1, batch_size=64), Compute("cpu", 1, 0, 1)
    fold = Fold(experiment, data, _split(data), 0, run.fold(0), compute, (found,) if found else ())
    fold.folder.root.mkdir()
    return partial(run_fold, fold, Silence())


class Silence:
    """Progress that nobody watches."""

    def line(self, text: str) -> None:
        """Nothing."""

    def advance(self, batches: int, description: str) -> None:
        """Nothing."""


def score(folder: Path) -> Work:
    """oof.npz, scores of folds and factors, the seal: what a run does with its folds' predictions."""
    data, run = _competition(folder), RunFolder(Path(tempfile.mkdtemp(dir=folder, prefix="run-")))
    folds, rng = _split(data), np.random.default_rng(0)
    predictions = [
        {
            "valid": rng.dirichlet(np.ones(CLASSES), int((folds == number).sum())).astype(np.float32),  # (n, C)
            "test": np.zeros((0, CLASSES), np.float32),
            "epochs": np.asarray(1),
            "best_epoch": np.asarray(1),
        }
        for number in range(FOLDS)
    ]
    return partial(gather, data, folds, predictions, run, {})


def compare(folder: Path) -> Work:
    """Two runs on 2,000 resamples of the persons, and without each person in turn."""
    table, rng = _competition(folder).train, np.random.default_rng(0)
    targets = table["target"].to_numpy()
    labels = np.where(rng.random((2, len(targets))) < 0.3, rng.integers(CLASSES, size=(2, len(targets))), targets)

    def work() -> None:
        resample(targets, table["person"].to_numpy(), labels, CLASSES).difference(0, 1)

    return work


PIECES: dict[str, Callable[[Path], Work]] = {
    "read the competition's folders": read_competition,
    "read a CSV's images": read_csv,
    "split by person": split,
    "write and read folds.csv": write_split,
    "hash data and code": identify,
    "build the cache": cache,
    "open the cache, every row checked": cache,
    "train and predict one fold": epoch,
    "gather and score out of fold": score,
    "compare two runs": compare,
}


def costs(images: int, rounds: int, folder: Path) -> dict[str, Cost]:
    """Cost of every piece at this number of images: the round of the least CPU time."""
    write_competition(folder / "competition", images, SIZE)
    write_csv_data(folder / "csv", images, SIZE)
    found = {}
    for name, prepare in PIECES.items():
        turns = 1 if name == "build the cache" else rounds  # the second time it would be there
        found[name] = min((cost_of(partial(prepare, folder)) for _ in range(turns)), key=lambda cost: cost.cpu)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; 100 columns at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        write_competition(Path(folder) / "competition", FEW, SIZE), write_csv_data(Path(folder) / "csv", FEW, SIZE)
        for prepare in PIECES.values():
            prepare(Path(folder))()  # here, so that what it imports is there in every process
    print(f"{'work':<33} {'images':>9} {'wall s':>8} {'CPU s':>8} {'us/image':>8} {'MiB':>6} {'exponent':>8}  goal")
    before, fewer = dict[str, Cost](), 0
    for images in sorted(given.images):
        with tempfile.TemporaryDirectory() as folder:
            now = costs(images, given.rounds, Path(folder))
        for name, cost in now.items():
            told = ""
            if before:
                slope = math.log(cost.cpu / before[name].cpu) / math.log(images / fewer)
                told = f"{slope:>8.2f}  <= 1{'' if slope <= 1 + TOLERANCE else ': missed'}"
            print(
                f"{name:<33} {images:>9,} {cost.wall:>8.3f} {cost.cpu:>8.3f} {1e6 * cost.cpu / images:>8.1f} "
                f"{cost.growth / MIB:>6.0f} {told}".rstrip(),
                flush=True,
            )
        before, fewer = now, images
    print("CPU s: with children; MiB: growth of the most that was resident, pages of the cache's file with it")
    print(machine())


if __name__ == "__main__":
    main()
