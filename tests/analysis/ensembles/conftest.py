"""Members in memory: simulated runs on sixty persons, each with errors of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.ensembles.members import Members
from benchmarks.simulated_competition import TRAIN_SHARES, draw_people, draw_taste, predict
from data.labels import CLASS_NAMES
from runners.run_folder import RunFolder

MakeMembers = Callable[[NDArray[np.float32], NDArray[np.int64]], Members]


@pytest.fixture(scope="session")
def make_members() -> MakeMembers:
    """Members of probabilities (M, n, C) and targets (n,), seven images a person.

    The test set is the training set with the images of every third class (aged 60 and over) three times.
    """

    def make(oof: NDArray[np.float32], targets: NDArray[np.int64]) -> Members:
        runs = tuple(RunFolder(Path(f"runs/run_{number}/20261123-150000-{number:010d}")) for number in range(len(oof)))
        images = np.array([f"{number:04d}.jpg" for number in range(len(targets))])
        rows = np.repeat(np.arange(len(targets)), np.where(targets % 3 == 2, 3, 1))
        test = oof[:, rows]
        return Members(
            names=tuple(f"run_{number}" for number in range(len(oof))), runs=runs,
            class_names=CLASS_NAMES[: oof.shape[2]], image_ids=images,
            persons=np.array([f"person {number // 7}" for number in range(len(targets))]), targets=targets,
            oof=oof, test_ids=np.array([f"t{number:04d}.jpg" for number in range(len(rows))]), test=test,
            test_labels=test.argmax(2),
        )

    return make


@pytest.fixture(scope="session")
def members(make_members: MakeMembers) -> Members:
    """Four simulated runs on sixty persons, 18 classes."""
    rng = np.random.default_rng(3)
    people = draw_people(rng, 60, TRAIN_SHARES, np.zeros(4))
    return make_members(predict(rng, people, draw_taste(rng, 4)), people.targets)
