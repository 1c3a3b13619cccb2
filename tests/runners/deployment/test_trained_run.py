import json
from pathlib import Path

import pytest
import torch

from data.errors import DataError
from runners.activations import softmax
from runners.deployment.trained_run import read_trained_run
from runners.state import read_checkpoint, write_json


def test_a_run_gives_back_the_networks_of_its_folds(finished_run, declare, tmp_path: Path) -> None:
    experiment = declare()
    run = finished_run(tmp_path, experiment, ("a", "b", "c"), folds=3)
    trained = read_trained_run(run)
    assert (trained.name, trained.folds, trained.class_names) == ("tiny 0123456789", (0, 1, 2), ("a", "b", "c"))
    assert trained.declaration.record() == experiment.record() and trained.activation is softmax
    assert trained.image_size == (32, 24)
    network, weights = trained.network(2), read_checkpoint(run.fold(2).best)["model"]
    assert all(torch.equal(values, weights[name]) for name, values in network.state_dict().items())
    assert not network.training
    assert network(torch.zeros(2, 32, 24, 3, dtype=torch.uint8)).shape == (2, 3)


def test_what_is_not_as_the_run_left_it_is_refused(finished_run, declare, tmp_path: Path) -> None:
    run = finished_run(tmp_path, declare(), ("a", "b"))
    weights = run.fold(1).best.read_bytes()
    run.fold(1).best.write_bytes(weights[:-1] + b"!")
    with pytest.raises(DataError, match="best.pth is no longer what it was"):
        read_trained_run(run)
    run.fold(1).best.write_bytes(weights)
    record = json.loads(run.record.read_text())
    write_json(run.record, {name: value for name, value in record.items() if name != "patience"})
    run.write_manifest()
    with pytest.raises(DataError, match="experiment.json is no declaration of this version .* 'patience'"):
        read_trained_run(run)
    write_json(run.record, record)
    write_json(run.scores, {"classes": ["a", "b", "c"]})
    run.write_manifest()
    with pytest.raises(DataError, match="best.pth does not hold weights of the network that experiment.json declares"):
        read_trained_run(run).network(0)


def test_weights_that_the_manifest_does_not_know_are_no_networks(finished_run, declare, tmp_path: Path) -> None:
    run = finished_run(tmp_path, declare(), ("a", "b"))
    manifest = json.loads(run.manifest.read_text())
    write_json(run.manifest, {name: digest for name, digest in manifest.items() if "fold" not in name})
    with pytest.raises(DataError, match="has no networks of its own, only predictions"):
        read_trained_run(run)
