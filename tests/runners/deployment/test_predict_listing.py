import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from data.cache_build import CacheSettings, open_cache
from data.errors import DataError
from data.reading import read_data
from runners.deployment.backends import Backend, check_views, load_networks
from runners.deployment.listing import read_listing
from runners.deployment.predict_listing import listed_caches, predict_listing
from runners.deployment.trained_run import read_trained_run
from runners.display import Display
from runners.state import read_arrays
from runners.views import crop, hflip, identity

SILENT = Display(Console(file=open(os.devnull, "w")))


def test_a_runs_own_test_images_get_the_bits_that_its_folds_gave_them(
    run, declare, competition: Path, tmp_path: Path
) -> None:
    folder, _ = run(declare(epochs=1, criterion="ce"))
    trained, listing = read_trained_run(folder), read_listing(competition)
    torch.set_num_threads(1)
    networks = load_networks(trained, Backend.torch, 1, "cpu", SILENT.line)
    caches = listed_caches(trained, listing, CacheSettings(tmp_path / "own", 10**9, 1), SILENT)
    for held in ((), caches):
        found = predict_listing(trained, networks, listing, held, "cpu", SILENT)
        assert found.shape == (2, 21, 18)
        for number, of_fold in enumerate(found):
            assert of_fold.tobytes() == read_arrays(folder.fold(number).predictions)["test"].tobytes()


def test_the_cache_that_runs_made_serves_and_else_one_is_made_of_the_listing(
    finished_run, declare, competition: Path, tmp_path: Path
) -> None:
    trained, listing = read_trained_run(finished_run(tmp_path, declare(), ("a", "b"))), read_listing(competition)
    settings, data = CacheSettings(tmp_path / "cache", 10**9, 1), read_data(competition)
    (own,) = listed_caches(trained, listing, settings, SILENT)
    assert set(own.row_of) == set(listing.table["path"])
    whole = open_cache(settings, data.root, [*data.train["path"], *data.test["path"]], (32, 24), SILENT.line)
    assert listed_caches(trained, listing, settings, SILENT) == [whole]
    assert listed_caches(trained, listing, CacheSettings(tmp_path / "none", 0, 1), SILENT) == []


def test_onnx_takes_views_that_keep_images_as_they_are() -> None:
    check_views((identity, hflip), (32, 24))
    with pytest.raises(DataError, match=r"tta\[1\] makes float32 images of 32x24, and ONNX's networks take uint8"):
        check_views((identity, partial(crop, share=0.5, top=0, left=0)), (32, 24))


def test_both_backends_predict_the_same(finished_run, declare, competition: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    trained, listing = read_trained_run(finished_run(tmp_path, declare(), ("a", "b"))), read_listing(competition)
    told = list[str]()
    by_torch, by_onnx = (
        predict_listing(trained, load_networks(trained, backend, 1, "cpu", told.append), listing, (), "cpu", SILENT)
        for backend in Backend
    )
    np.testing.assert_allclose(by_onnx, by_torch, atol=1e-5)
    assert not np.allclose(by_torch[0], by_torch[1], atol=1e-4), "the folds' networks are different ones"
    assert len(told) == 1 and "2 networks are made anew" in told[0]
