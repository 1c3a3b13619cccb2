from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from callbacks.checkpoint import CheckpointCallback
from callbacks.criterion import CriterionCallback
from callbacks.early_stopping import EarlyStoppingCallback
from callbacks.f1 import F1Callback
from callbacks.finite_loss import FiniteLossCallback
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from callbacks.progress import ProgressCallback
from callbacks.scheduler import SchedulerCallback
from data.errors import DataError
from data.metadata import ImageData
from runners.compute import Compute
from runners.display import Display, make_console
from runners.file_lock import locked
from runners.fold import make_callbacks, make_criteria, run_fold
from runners.fold_loaders import make_loaders
from runners.fold_rows import Fold
from runners.fold_state import FoldState
from runners.run_folder import FoldFolder
from runners.state import TEMPORARY
from runners.stop import Stop


@pytest.fixture
def fold(declare, tmp_path: Path):
    """Fold `number` of six images of three classes; keywords replace fields of its experiment."""
    train = pd.DataFrame({"image_id": list("abcdef"), "path": list("abcdef"), "person": list("ppqqrr")})
    train["target"] = [0, 1, 0, 1, 0, 2]
    data = ImageData(tmp_path, "csv", train, train.head(0), ("x", "y", "z"), "path", "label", ())

    def make(number: int = 0, folds: tuple[int, ...] = (0, 0, 1, 1, 2, 2), workers: int = 0, **changes: object) -> Fold:
        compute = Compute(device="cpu", threads=1, workers=workers, jobs=1)
        return Fold(declare(**changes), data, np.array(folds), number, FoldFolder(tmp_path), compute, ())

    return make


def test_a_fold_trains_on_what_it_does_not_validate(fold) -> None:
    assert list(fold(1).valid["image_id"]) == ["c", "d"] and list(fold(1).train["image_id"]) == list("abef")
    loaders = make_loaders(fold(1))
    assert loaders["train"].dataset.targets.tolist() == [0, 1, 0, 2] and loaders["valid"].dataset.targets.tolist() == [
        0,
        1,
    ]
    assert fold(1).title == "fold 2/3"


def test_seeds_of_folds_and_experiments_are_far_apart(fold) -> None:
    """Catalyst adds the epoch to the seed: seeds side by side would repeat each other's epochs."""
    seeds = sorted(fold(number, seed=seed).seed for number in range(3) for seed in range(20))
    assert min(np.diff(seeds)) > 1000 and 0 <= seeds[0] and seeds[-1] < 2**31


def test_criteria_that_ask_get_the_counts_of_the_training_rows(fold) -> None:
    from functools import partial

    from runners.criteria import CrossEntropy, inverse_frequency

    criteria = {
        "ce": partial(CrossEntropy, class_weights=inverse_frequency),
        "plain": partial(torch.nn.CrossEntropyLoss),
    }
    built = make_criteria(fold(0, criteria=criteria, criterion="ce"))
    assert torch.equal(built["ce"].weights, inverse_frequency(torch.tensor([2, 1, 1])))
    assert isinstance(built["plain"], torch.nn.CrossEntropyLoss)


def test_values_that_a_factory_refuses_name_the_field(fold) -> None:
    from functools import partial

    from torch.optim import AdamW

    from runners.experiment import build
    from runners.models import timm_classifier

    with pytest.raises(DataError, match=r"optimizer: AdamW refuses what was declared \(Invalid learning rate: -1"):
        build("optimizer", partial(AdamW, lr=-1), [torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(DataError, match="model: timm_classifier refuses .*missing .*'drop_rate'"):
        build("model", partial(timm_classifier, backbone="test_resnet", pretrained=None), num_classes=3)


def test_weights_of_another_number_of_classes_are_refused_before_training(fold) -> None:
    from functools import partial

    from runners.criteria import CrossEntropy

    criteria = {"ce": partial(CrossEntropy, class_weights=(1.0, 2.0))}
    with pytest.raises(DataError, match=r"criteria\['ce'\]: CrossEntropy refuses what was declared \(.*size"):
        make_criteria(fold(0, criteria=criteria, criterion="ce"))


@pytest.mark.parametrize(("folds", "lacking"), [((0,) * 6, "train on"), ((1,) * 6, "validate with")])
def test_a_fold_without_images_is_one_sentence(fold, folds: tuple[int, ...], lacking: str) -> None:
    with pytest.raises(DataError, match=f"split: fold 1/. has no image to {lacking}"):
        make_loaders(fold(0, folds=folds))


def test_a_fold_counts_its_batches(fold) -> None:
    """Four training and two validation images in batches of three, over three epochs; then two images predicted."""
    assert fold(0, batch_size=3).epoch_batches == 2 + 1
    assert fold(0, batch_size=3).batches == 3 * (2 + 1) + 1


def test_what_a_lost_node_was_writing_goes_with_its_fold_taken_up_elsewhere(
    fold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on, so no start of the command sweeps it; other folds may be writing meanwhile."""
    lost, others = (tmp_path / name / f".state.pth.x{TEMPORARY}" for name in ("fold_0", "fold_1"))
    for path in (lost, others):
        path.parent.mkdir()
        path.write_bytes(b"half")
    one = replace(fold(), folder=FoldFolder(lost.parent))

    @contextmanager
    def held(path: Path) -> Iterator[None]:
        assert lost.exists(), "before the lock is held, it may be somebody's who is still writing"
        with locked(path):
            yield

    monkeypatch.setattr("runners.fold.locked", held)
    FoldState(one.folder, print).save_predictions({"valid": np.zeros((2, 3), np.float32)})
    run_fold(one, Display(make_console()))
    assert not lost.exists() and others.exists()


def test_callbacks_are_given_what_the_experiment_declares(fold) -> None:
    def callbacks_of(one: Fold) -> list[object]:
        return make_callbacks(one, FoldState(one.folder, print), Display(make_console()), Stop())

    declared = {"accumulate": 3, "batch_size": 5, "clip_norm": 0.5, "patience": 7, "schedule_every": "step"}
    made = {type(callback): callback for callback in callbacks_of(fold(**declared))}
    assert made[CriterionCallback].schedule == {1: {"ce": 1.0}, 3: {"f1": 1.0}}
    assert made[F1Callback].classes == 3
    assert made[BackwardCallback].window_images == made[OptimizerCallback].window_images == 15
    assert (made[OptimizerCallback].accumulate, made[OptimizerCallback].clip_norm) == (3, 0.5)
    assert (made[SchedulerCallback].every, made[SchedulerCallback].accumulate) == ("step", 3)
    assert made[EarlyStoppingCallback].patience == 7
    assert {FiniteLossCallback, CheckpointCallback, ProgressCallback} < set(made)
    assert SchedulerCallback not in map(type, callbacks_of(fold(scheduler=None)))


def test_loaders_are_given_what_the_experiment_declares(fold) -> None:
    from functools import partial

    from data.transforms import resize

    loaders = make_loaders(fold(2, seed=9, batch_size=3, valid_transform=partial(resize, size=(8, 6))))
    train, valid = loaders["train"], loaders["valid"]
    assert train.dataset.transform.size == (32, 24) and valid.dataset.transform.size == (8, 6)
    assert (train.sampler.seed, train.sampler.fold, train.dataset.seed, train.batch_size) == (9, 2, 9, 3)
    assert train.num_workers == valid.num_workers == 0 and not train.pin_memory
    assert make_loaders(fold(0, workers=2))["train"].num_workers == 2


def test_a_sampler_that_asks_gets_the_folds_training_rows_and_its_length_is_an_epochs(fold) -> None:
    from functools import partial

    from data.balanced_samplers import oversampled

    balanced = fold(0, batch_size=2, sampler=partial(oversampled, by="target", absent="skip"))
    # the fold trains on c, d, e and f of the classes 0, 1, 0 and 2: two of each are drawn
    train = make_loaders(balanced)["train"]
    train.sampler.set_epoch(1)
    drawn = [balanced.train["image_id"].iloc[position] for _, position in train.sampler]
    assert sorted(drawn) == ["c", "d", "d", "e", "f", "f"] and not set(drawn) & set(balanced.valid["image_id"])
    assert len(train) == 3 and balanced.epoch_batches == 3 + 1, "six draws of four images"
    with pytest.raises(DataError, match="sampler balances by target, and split leaves fold 3 no training image of 'z'"):
        len(fold(2, sampler=partial(oversampled, by="target", absent="refuse")).sampler)


def test_mixing_is_given_its_seed_and_fold(fold) -> None:
    from functools import partial

    from callbacks.mix import MixCallback
    from data.mixing import CutMix

    def callbacks_of(one: Fold) -> dict[type, object]:
        return {type(c): c for c in make_callbacks(one, FoldState(one.folder, print), Display(make_console()), Stop())}

    cutmix = partial(CutMix, alpha=1.0, probability=0.5, partners="any")
    made = callbacks_of(fold(2, seed=9, mix=cutmix))[MixCallback]
    assert (made.mix, made.classes, made.seed, made.fold) == (cutmix(), 3, 9, 2)
    assert MixCallback not in callbacks_of(fold(2))


def test_metrics_and_averages_are_wired_where_they_are_declared(fold) -> None:
    from functools import partial

    from callbacks.average import SWA, AverageCallback
    from callbacks.f1 import MetricsCallback
    from callbacks.roc import roc_auc
    from callbacks.soup import GreedySoup, SoupCallback
    from runners.activations import softmax

    stop = Stop()

    def made(**changes: object) -> dict[type, object]:
        one = fold(**changes)
        callbacks = make_callbacks(one, FoldState(one.folder, print), Display(make_console()), stop)
        return {type(callback): callback for callback in callbacks}

    plain = made()
    assert plain[F1Callback].class_names == ("x", "y", "z")
    assert not {MetricsCallback, AverageCallback, SoupCallback} & set(plain)
    swa = made(metrics={"auc": roc_auc}, average=partial(SWA, start=2), accumulate=3)
    assert (swa[MetricsCallback].metrics, swa[MetricsCallback].activation) == ({"auc": roc_auc}, softmax)
    assert (swa[AverageCallback].average.first_epoch, swa[AverageCallback].accumulate) == (2, 3)
    assert swa[AverageCallback].between == stop.heed_if_asked
    soup = made(average=partial(GreedySoup, epochs=2))
    assert soup[SoupCallback].soup.epochs == 2 and AverageCallback not in soup
    with pytest.raises(DataError, match=r"average: SWA refuses what was declared \(start is 0"):
        made(average=partial(SWA, start=0))
