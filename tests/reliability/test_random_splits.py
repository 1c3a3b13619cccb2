"""Whatever the data: no person in two folds, no empty fold where there are persons enough, each image placed once."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analysis.leaderboard.matched_split import matched_folds
from data.errors import DataError
from data.splits import PersonGroupKFold, PersonHoldout, PersonSplit, PersonStratifiedKFold, split_text

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=8)
PEOPLE = st.dictionaries(NAMES, st.lists(st.integers(0, 17), min_size=1, max_size=12), min_size=1, max_size=30)
SEEDS = st.integers(0, 2**32 - 1)
FRACTIONS = st.floats(0, 1, exclude_min=True, exclude_max=True)


def table_of(people: dict[str, list[int]], seed: int) -> pd.DataFrame:
    """A row an image, those of a person apart from each other."""
    persons = [person for person, labels in people.items() for _ in labels]
    table = pd.DataFrame({"person": persons, "target": [label for labels in people.values() for label in labels]})
    table["image_id"] = [f"{row}.jpg" for row in range(len(table))]
    return table.iloc[np.random.default_rng(seed).permutation(len(table))].reset_index(drop=True)


def assert_split(table: pd.DataFrame, folds: np.ndarray, expected: set[int]) -> None:
    assert folds.shape == (len(table),) and folds.dtype == np.int64
    assert pd.Series(folds).groupby(table["person"].to_numpy()).nunique().max() == 1, "a person is in two folds"
    assert set(folds.tolist()) == expected, "a fold is empty, or one is too many"


def test_splits_on_random_data_sets(
    lane: Callable[[int, int], int], figures: Callable[[str, str], None], tmp_path: Path
) -> None:
    counts = {"split": 0, "refused": 0}

    @settings(max_examples=lane(100, 10_000), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(PEOPLE, st.integers(2, 10), FRACTIONS, SEEDS)
    @example({"a": [0], "b": [0]}, 2, 5e-324, 0)
    @example({"=1+1": [0], "'=1+1": [1], "'": [2]}, 3, 0.999, 0)
    def hold(people: dict[str, list[int]], folds: int, fraction: float, seed: int) -> None:
        table = table_of(people, seed)
        for splitter in (PersonStratifiedKFold(folds), PersonGroupKFold(folds), PersonHoldout(fraction)):
            needed = 2 if isinstance(splitter, PersonHoldout) else folds
            if len(people) < needed:
                with pytest.raises(DataError, match=rf"needs? at least {needed} persons, the data has {len(people)}\."):
                    splitter.assign(table, seed=seed)
                counts["refused"] += 1
                continue
            assigned = splitter.assign(table, seed=seed)
            expected = {-1, 0} if isinstance(splitter, PersonHoldout) else set(range(folds))
            assert_split(table, assigned, expected)
            counts["split"] += 1
        if len(people) >= 2:  # the last split, kept as a file
            file = tmp_path / "folds.csv"
            file.write_text(split_text(table.assign(fold=assigned)[["image_id", "person", "fold"]]), encoding="utf-8")
            np.testing.assert_array_equal(PersonSplit.from_csv(file).assign(table, seed=0), assigned)

    hold()
    figures("splits", f"{counts['split']:,} splits hold, {counts['refused']:,} of too few persons refused")


def test_matched_splits_on_random_data_sets(
    lane: Callable[[int, int], int], figures: Callable[[str, str], None]
) -> None:
    counts = {"split": 0}

    @settings(max_examples=lane(40, 2_000), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(PEOPLE.filter(lambda people: len(people) >= 3), st.floats(0.02, 0.9), SEEDS, st.data())
    def hold(people: dict[str, list[int]], fraction: float, seed: int, data: st.DataObject) -> None:
        table = table_of(people, seed)
        rest = max(2, round(1 / fraction) - 1)
        chosen = data.draw(st.lists(st.sampled_from(sorted(people)), min_size=1, max_size=len(people), unique=True))
        match: Any = SimpleNamespace(persons=np.array(chosen, object), seed=seed)
        if len(people) - len(chosen) < rest:
            with pytest.raises(DataError, match=f"needs? at least {rest} persons"):
                matched_folds(table, match, fraction)
            return
        split, kfold = matched_folds(table, match, fraction)
        assert_split(table, split, {-1, 0})
        assert_split(table, kfold, set(range(rest + 1)))
        assert set(table["person"][split == 0]) == set(table["person"][kfold == 0]) == set(chosen)
        counts["split"] += 1

    hold()
    figures("splits, matched", f"{counts['split']:,} matched splits and their k-folds hold")
