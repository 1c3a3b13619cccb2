from pathlib import Path

import numpy as np
import pytest
import torch

from data.datasets import ImageDataset
from data.reading import read_data
from data.transforms import resize


@pytest.fixture(scope="module")
def data(competition: Path):
    return read_data(competition)


def test_a_batch_carries_the_ages_of_its_images(data) -> None:
    dataset = ImageDataset(data.root, data.train, resize(size=(8, 6)), seed=0)
    positions = [20, 3, 50]
    batch = dataset.__getitems__([(1, position) for position in positions])
    expected = data.train["years"].iloc[positions].to_numpy(np.float32)
    assert len(set(expected)) > 1 and batch["years"].dtype == torch.float32
    np.testing.assert_array_equal(batch["years"].numpy(), expected)


def test_a_batch_of_no_images_has_the_form_of_any_other(data) -> None:
    for size in ((8, 6), (12, 6)):
        dataset = ImageDataset(data.root, data.train, resize(size=size), seed=0)
        some, none = dataset.__getitems__([(1, 5)]), dataset.__getitems__([])
        assert {name: values.dtype for name, values in none.items()} == {n: v.dtype for n, v in some.items()}
        assert {name: (0, *values.shape[1:]) for name, values in some.items()} == {n: v.shape for n, v in none.items()}


def test_soft_targets_take_the_place_of_the_tables(data) -> None:
    soft = np.random.default_rng(0).dirichlet(np.ones(18), len(data.train)).astype(np.float32)
    dataset = ImageDataset(data.root, data.train, resize(size=(8, 6)), seed=0, soft=soft)
    batch = dataset.__getitems__([(1, 20), (1, 3)])
    assert batch["targets"].dtype == torch.float32
    np.testing.assert_array_equal(batch["targets"].numpy(), soft[[20, 3]])


def test_an_age_that_is_not_known_is_nan_and_a_table_without_ages_gives_none(data) -> None:
    unknown = data.train.head(2).assign(years=[np.nan, 40.0])
    batch = ImageDataset(data.root, unknown, resize(size=(8, 6)), seed=0).__getitems__([(1, 0), (1, 1)])
    assert batch["years"].isnan().tolist() == [True, False]
    bare = ImageDataset(data.root, data.test, resize(size=(8, 6)), seed=0).__getitems__([(1, 0)])
    assert set(bare) == {"features", "index"}
