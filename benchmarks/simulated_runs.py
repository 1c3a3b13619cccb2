"""A simulated competition on disk with finished runs that nobody trained: to try the leaderboard's commands in seconds.

``python -m benchmarks.simulated_runs --out trial [--world both] [--runs 6] [--persons 300]`` writes

    trial/data    the mask competition's layout, its sealed solution.csv included; the image files are empty
    trial/runs    finished runs with oof.npz, test.npz, predictions of each fold, scores.json, submission.csv

    python -m experiments leaderboard score trial/runs/run_0/*/submission.csv --data trial/data --runs trial/runs
    python -m experiments match --data trial/data --runs trial/runs --out trial/splits/matched.csv
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.simulated_competition import (
    SHIFTED_SHARES,
    SHIFTED_TRAITS,
    TRAIN_SHARES,
    WORLDS,
    People,
    draw_people,
    draw_taste,
    predict,
)
from data.labels import GENDERS, STEM_TO_MASK
from data.metadata import ImageData
from data.reading import read_data
from data.splits import PersonStratifiedKFold, split_text
from data.submission import write_submission
from runners.run_folder import RunFolder
from runners.scores import run_scores
from runners.state import write_arrays, write_json, write_text

YEARS = (25, 45, 60)        # an age of each bucket
STAMP = "20261123-1500{:02d}-{:010x}"     # a run's folder


@dataclass(frozen=True)
class Trial:
    """A competition as it was written: the data as it is read back, and the runs' folder."""

    data: ImageData
    runs: Path


def write_trial(out: Path, world: str, seed: int, runs: int, persons: int, test_persons: int, folds: int = 5) -> Trial:
    """Write data and runs below `out`; WORLDS says how the test persons differ. The same seed writes the same."""
    label_shift, feature_shift = WORLDS[world]
    rng = np.random.default_rng(seed)
    train = draw_people(rng, persons, TRAIN_SHARES, np.zeros(4))
    shares = SHIFTED_SHARES if label_shift else TRAIN_SHARES
    unseen = draw_people(rng, test_persons, shares, SHIFTED_TRAITS * feature_shift)
    taste = draw_taste(rng, runs)
    _write_data(out / "data", train, unseen)
    data = read_data(out / "data")
    fold_of_image = PersonStratifiedKFold(folds=folds).assign(data.train, seed=0)
    both = zip(predict(rng, train, taste), predict(rng, unseen, taste), strict=True)
    for number, (oof, test) in enumerate(both):
        root = out / "runs" / f"run_{number}" / STAMP.format(number, 0xA1B2C3D4E5 + 0x1111111111 * number)
        write_run(RunFolder(root), data, fold_of_image, oof, _of_each_fold(rng, test, folds))
    return Trial(data, out / "runs")


def _of_each_fold(rng: np.random.Generator, test: NDArray[np.float32], folds: int) -> NDArray[np.float32]:
    """Predictions (K, M, C) of each fold's network: they differ as networks of one experiment do."""
    noisy = test * np.exp(rng.normal(0, 0.3, (folds, *test.shape)))
    return (noisy / noisy.sum(2, keepdims=True)).astype(np.float32)


def write_run(
    run: RunFolder, data: ImageData, folds: NDArray[np.int64], oof: NDArray[np.float32], test: NDArray[np.float32]
) -> RunFolder:
    """A finished run: folds (N,) with -1 for what was never validated, oof (N, C), test (K, M, C) of each fold."""
    table, mean = data.train.assign(fold=folds), test.mean(0)
    validated = folds >= 0
    predictions: list[dict[str, NDArray[Any]]] = [
        {"valid": oof[folds == number], "test": of_fold, "best_epoch": np.array(1), "epochs": np.array(1)}
        for number, of_fold in enumerate(test)
    ]
    for number, arrays in enumerate(predictions):
        write_arrays(run.fold(number).predictions, arrays)
    write_text(run.folds, split_text(table[["image_id", "path", "person", "target", "fold"]]))
    write_arrays(run.oof, {
        "probabilities": oof[validated], "image_ids": _text(table["image_id"][validated]),
        "persons": _text(table["person"][validated]), "targets": table["target"][validated].to_numpy(np.int64),
        "folds": folds[validated],
    })
    write_arrays(run.test, {"probabilities": mean, "image_ids": _text(data.test["image_id"])})
    scores = run_scores(table[validated], oof[validated], predictions, data.class_names, metrics={})
    write_json(run.scores, {"classes": list(data.class_names), **scores})
    write_submission(run.submission, data, data.test["image_id"].tolist(), mean.argmax(1))
    run.write_manifest()
    return run


def _write_data(root: Path, train: People, unseen: People) -> None:
    """Train and eval tables, empty images, and the sealed answers: the first half of the test persons is public."""
    paths = [f"{person:06d}_{GENDERS[gender]}" for person, gender in enumerate(train.gender)]
    for path in paths:
        (root / "train/images" / path).mkdir(parents=True)
        for stem in STEM_TO_MASK:
            (root / "train/images" / path / f"{stem}.jpg").touch()
    people = {"id": [path[:6] for path in paths], "gender": [GENDERS[each] for each in train.gender], "race": "Asian",
              "age": np.take(YEARS, train.age), "path": paths}
    pd.DataFrame(people).to_csv(root / "train/train.csv", index=False)
    count = unseen.targets.size
    names = [f"{number:040x}.jpg" for number in range(count)]
    (root / "eval/images").mkdir(parents=True)
    for name in names:
        (root / "eval/images" / name).touch()
    pd.DataFrame({"ImageID": names, "ans": 0}).to_csv(root / "eval/info.csv", index=False)
    half = np.where(np.arange(count) < len(STEM_TO_MASK) * (unseen.gender.size // 2), "public", "private")
    pd.DataFrame({"ImageID": names, "ans": unseen.targets, "half": half}).to_csv(root / "solution.csv", index=False)


def _text(column: "pd.Series[str]") -> NDArray[np.str_]:
    return np.array(column.tolist(), np.str_)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--world", choices=list(WORLDS), default="both", help="how the test set differs")
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--persons", type=int, default=300, help="to train on; two thirds as many to predict")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    data = write_trial(given.out, given.world, given.seed, given.runs, given.persons, given.persons * 2 // 3).data
    print(f"{given.out}: {len(data.train)} training and {len(data.test)} test images, {given.runs} finished runs.")


if __name__ == "__main__":
    main()
