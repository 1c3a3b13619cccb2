"""Are our person-grouped folds as even as scikit-learn's, and how much sooner are they there?

``python -m benchmarks.splits [--persons 2700 27000] [--rounds 3]``: a round draws data by its own seed, and every
method splits that table (persons as text) in turn. Times are CPU times, so that other work on the machine matters less;
a ratio is the median over rounds of theirs / ours; balance is the mean over rounds.
"""

import argparse
from collections.abc import Callable, Sequence
from time import process_time

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from benchmarks.machine import machine
from data.balance import balance
from data.labels import encode
from data.splits import PersonStratifiedKFold

Splitter = Callable[[pd.DataFrame, int], NDArray[np.int64]]
Case = Callable[[int, np.random.Generator], pd.DataFrame]

FOLDS = 5
COMPETITION_PERSONS = (549, 410, 83, 732, 817, 109)  # by gender and age bucket: male <30, 30-59, >=60, female <30 ...
MASKS = (0, 0, 0, 0, 0, 1, 2)  # a person's seven images
RARE_SHARES = (0.40, 0.30, 0.15, 0.08, 0.04, 0.02, 0.007, 0.003)


def competition(persons: int, rng: np.random.Generator) -> pd.DataFrame:
    """Seven images a person, six kinds of person in the competition's shares (exact at multiples of 2,700)."""
    stratum = np.resize(rng.permutation(np.repeat(np.arange(6), COMPETITION_PERSONS)), persons)
    target = encode(np.array(MASKS)[None, :], (stratum // 3)[:, None], (stratum % 3)[:, None])  # (persons, 7)
    return _table(np.full(persons, len(MASKS)), target.ravel())


def arbitrary(persons: int, rng: np.random.Generator) -> pd.DataFrame:
    """3 to 11 images a person, each of any of 18 classes."""
    images = rng.integers(3, 12, persons)
    return _table(images, rng.integers(18, size=images.sum()))


def rare(persons: int, rng: np.random.Generator) -> pd.DataFrame:
    """1 to 14 images a person, each of any of 8 classes, the rarest 0.3 % of all."""
    images = rng.integers(1, 15, persons)
    return _table(images, rng.choice(len(RARE_SHARES), images.sum(), p=RARE_SHARES))


def _table(images: NDArray[np.int64], target: NDArray[np.int64]) -> pd.DataFrame:
    names = pd.Series([f"{number:06d}" for number in range(len(images))], dtype="str")
    return pd.DataFrame({"person": names.repeat(images.tolist()).reset_index(drop=True), "target": target})


def _ours(table: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    return PersonStratifiedKFold(folds=FOLDS).assign(table, seed=seed)


def _stratified_group(table: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    return _sklearn_folds(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed), table)


def _group(table: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    return _sklearn_folds(GroupKFold(FOLDS), table)  # takes no seed where it balances sizes


def _sklearn_folds(splitter: GroupKFold | StratifiedGroupKFold, table: pd.DataFrame) -> NDArray[np.int64]:
    folds = np.empty(len(table), np.int64)
    for fold, (_, valid) in enumerate(splitter.split(table, table["target"], table["person"])):
        folds[valid] = fold
    return folds


METHODS: dict[str, Splitter] = {
    "ours": _ours,
    "StratifiedGroupKFold": _stratified_group,
    "GroupKFold": _group,
}
CASES: tuple[tuple[Case, int], ...] = (
    (competition, 100),
    (arbitrary, 10),
    (rare, 10),  # times faster than StratifiedGroupKFold: the goal
)
HEADER = (
    f"{'data':<11} {'persons':>8}  {'method':<20} {'ms':>9} {'/ ours':>7} {'goal':>6} "
    f"{'off, pp':>8} {'1 image':>8} {'spread':>6}"
)


def compare(case: Case, persons: int, rounds: int) -> pd.DataFrame:
    """One row a method: median ms, median ratio to ours, and mean balance as the table's footnote explains it."""
    runs = []
    for seed in range(rounds):
        table = case(persons, np.random.default_rng(seed))
        for method, split in METHODS.items():
            start = process_time()
            folds = split(table, seed)
            ms = 1000 * (process_time() - start)
            even = balance(table["target"], folds)
            runs.append((seed, method, ms, even.class_deviation, 100 * FOLDS / len(table), even.size_spread))
    every = pd.DataFrame(runs, columns=["seed", "method", "ms", "off", "one", "spread"])
    ours = every[every["method"] == "ours"].set_index("seed")["ms"]
    every["ratio"] = every["ms"] / every["seed"].map(ours)
    how = {"ms": "median", "ratio": "median", "off": "mean", "one": "mean", "spread": "mean"}
    return every.groupby("method", sort=False).agg(how)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; 100 columns at most."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.splits", description=__doc__)
    parser.add_argument("--persons", type=int, nargs="+", default=[2700, 27000])
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    for split in METHODS.values():
        split(competition(100, np.random.default_rng(0)), 0)  # imports and first calls are not timed
    print(HEADER)
    for persons in chosen.persons:
        for case, goal in CASES:
            result = compare(case, persons, chosen.rounds)
            for name, row in result.iterrows():
                wanted = f">={goal}" if name == "StratifiedGroupKFold" else ""
                print(
                    f"{case.__name__:<11} {persons:>8,}  {name:<20} {row['ms']:>9.1f} {row['ratio']:>7.1f} "
                    f"{wanted:>6} {row['off']:>8.4f} {row['one']:>8.4f} {row['spread']:>6.1f}",
                    flush=True,
                )
    print(
        "off: largest |class share in a fold - share in all|, in points; 1 image: what one more makes\n"
        "spread: images in the largest fold less those in the smallest; / ours: median of the rounds' ratios"
    )
    print(machine())


if __name__ == "__main__":
    main()
