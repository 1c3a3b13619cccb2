"""Everybody does the same work, and reports what it came to; how long it takes is not tested."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional

from benchmarks import ours
from benchmarks.epoch import CHANNELS_LAST, EAGER, GOALS, OURS, PEERS, choose_workers, find_peer, main
from benchmarks.machine import machine
from benchmarks.rounds import Cost
from benchmarks.workload import NETWORKS, Epoch, Workload, first_images
from data.metadata import ImageData

EVERYBODY = [OURS, *PEERS]


@pytest.fixture
def work(photos: ImageData, tmp_path) -> Workload:
    network = replace(NETWORKS["tiny"], size=(16, 16))
    return first_images(photos, network, images=24, batch_size=8, folder=tmp_path)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[torch.Tensor, torch.Tensor, float]]]:
    """Logits, labels and loss of every batch that a loss with gradients was computed of."""
    seen: list[tuple[torch.Tensor, torch.Tensor, float]] = []

    def recorded(compute: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def cross_entropy(*arguments: Any, **keywords: Any) -> torch.Tensor:
            loss = compute(*arguments, **keywords)
            logits, labels = arguments[:2]
            if logits.requires_grad:
                seen.append((logits.detach().clone(), labels.clone(), loss.item()))
            return loss

        return cross_entropy

    monkeypatch.setattr(functional, "cross_entropy", recorded(functional.cross_entropy))
    yield seen


@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_trains_on_the_same_images_and_reports_their_loss_and_f1(name: str, work, trained) -> None:
    first, second = (ours.train if name == OURS else find_peer(name))(work, 0, 2)
    images = sorted(work.train["target"].tolist())
    for epoch, batches in ((first, trained[:3]), (second, trained[3:])):
        logits, labels = (torch.cat([batch[at] for batch in batches]) for at in (0, 1))
        assert logits.shape == (24, 18) and sorted(labels.tolist()) == images
        assert epoch.loss == pytest.approx(np.mean([batch[2] for batch in batches]), rel=1e-5)
        assert epoch.f1 == pytest.approx(expected_f1(name, labels, logits.argmax(1)), abs=1e-5)
        assert 0 <= epoch.valid_f1 <= 1 and epoch.cost.wall > 0 and epoch.cost.cpu > 0
    assert len(trained) == 6 and second.loss < first.loss < 3.5
    assert (first.saving.wall > 0) == (name == OURS)


def expected_f1(name: str, labels: torch.Tensor, predictions: torch.Tensor) -> float:
    """scikit-learn's; Catalyst and ignite count a class that is nowhere as 0."""
    of_all = np.arange(18) if name in ("Catalyst", "ignite") else None
    return float(f1_score(labels, predictions, labels=of_all, average="macro", zero_division=0))


@pytest.mark.parametrize("name", ["PyTorch", "Lightning", "timm"])
def test_worker_processes_train_on_the_same_images(name: str, work, trained) -> None:
    find_peer(name)(work, 2, 1)
    labels = torch.cat([batch[1] for batch in trained])
    assert sorted(labels.tolist()) == sorted(work.train["target"].tolist())


def test_the_faster_number_of_workers_counts(work) -> None:
    def train(given: Workload, workers: int, epochs: int) -> list[Epoch]:
        return [Epoch(Cost(wall=3 - workers), 0.0, 0.0, 0.0)] * epochs

    assert choose_workers(work, train).workers == 2


def test_the_same_network_for_all_but_for_its_layout(work) -> None:
    theirs, own = work.make_network(), work.network.make(num_classes=18).backbone
    assert {name: value.shape for name, value in theirs.state_dict().items()} == {
        name: value.shape for name, value in own.state_dict().items()
    }
    assert theirs[0].weight.is_contiguous() and not own[0].weight.is_contiguous()


def test_prints_a_row_a_contestant_with_its_goal(photos, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--images", "16", "--batch", "8", "--rounds", "1", "--data", str(photos.root)]
    main(["--models", "tiny", *sizes, "--peers", "PyTorch", "skorch"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == machine()
    assert max(map(len, lines)) <= 100 and lines[0] == "tiny, 16 images of 64x64, batches of 8"
    names = [CHANNELS_LAST, EAGER, OURS, "PyTorch", "skorch"]
    rows = dict(zip(names, lines[2:7], strict=True))
    assert all(row.startswith(name) for name, row in rows.items())
    assert [row.split(" <=")[-1].split(" >=")[-1] for row in rows.values()][2:] == ["1.15", "5.0", "5.0"]
    assert rows[CHANNELS_LAST].split()[4] == "1.00" and rows[OURS].split()[-3] == "1.00"
    assert lines[7].startswith("beside an epoch, this project commits its state to disk: ")


def test_every_network_has_goals() -> None:
    assert list(GOALS) == list(NETWORKS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--images", "12", "--batch", "8"], "whole batches of 8"), (["--images", "64", "--batch", "8"], "are needed")],
)
def test_a_mistake_is_a_sentence(arguments, sentence, photos, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--models", "tiny", "--data", str(photos.root), *arguments])
    assert ended.value.code == 2 and sentence in capsys.readouterr().err
