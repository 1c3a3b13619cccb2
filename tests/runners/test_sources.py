import pickle
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulated_runs import write_run
from data.errors import DataError
from data.external import ExternalImages
from data.reading import read_data
from data.synthetic import write_sample
from data.whole_train_set import WholeTrainSet
from runners.fold import make_criteria
from runners.fold_loaders import make_loaders
from runners.pseudo_labels import PseudoLabels
from runners.refusals import check_declaration, unwritten_fold
from runners.run_folder import RunFolder
from runners.sources import Sources, found_epochs, read_sources
from runners.state import read_arrays, write_arrays


@pytest.fixture(scope="module")
def data(competition: Path):
    return read_data(competition)


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("external") / "other"
    write_sample(out, train_persons=2, eval_persons=1, size=(64, 48), seed=7)
    return out


@pytest.fixture
def source(declare, data, tmp_path: Path) -> RunFolder:
    """A finished run with the split of `declare`, its networks as sure as can be, each of another class."""
    folds = declare().split().assign(data.train, seed=declare().seed)
    tests = np.stack([np.eye(18, dtype=np.float32)[np.full(len(data.test), number)] for number in (4, 9)])
    oof = np.full((len(data.train), 18), 1 / 18, np.float32)
    return write_run(RunFolder(tmp_path / "runs/first/20261101-120000-0123456789"), data, folds, oof, tests)


@pytest.fixture
def both(declare, data, external: Path, source: RunFolder):
    """An experiment that takes external images and soft labels of the test images; its folds and sources."""

    def make(fast: bool = False, **changes: object):
        extra = (
            partial(ExternalImages, path=str(external)),
            partial(PseudoLabels, run=str(source.root.parent), threshold=0.0, soft=True),
        )
        experiment = declare(extra_data=extra, **changes)
        folds = experiment.split().assign(data.train, seed=experiment.seed)
        return experiment, folds, read_sources(experiment, data, folds, fast=fast)

    return make


def test_each_fold_trains_on_the_rows_from_elsewhere_and_validates_none(both, data) -> None:
    experiment, folds, sources = both()
    for number in (0, 1):
        fold = unwritten_fold(experiment, data, folds, number, sources)
        own, extra = data.train[folds != number], fold.train.iloc[(folds != number).sum() :]
        assert fold.train["image_id"].iloc[: len(own)].tolist() == own["image_id"].tolist()
        assert extra["image_id"].str.startswith("extra_data[").all() and len(extra) == 14 + len(data.test)
        assert fold.train["image_id"].is_unique and not fold.train["image_id"].isin(data.test["image_id"]).any()
        assert fold.valid["image_id"].tolist() == data.train["image_id"][folds == number].tolist()
        assert (extra["target"].iloc[14:] == (4, 9)[number]).all(), "labelled by the network of the same fold"
        loaders = make_loaders(fold)
        assert loaders["train"].dataset.image_ids == fold.train["image_id"].tolist()
        assert loaders["train"].dataset.targets.shape == (len(fold.train), 18)
        assert loaders["valid"].dataset.targets.shape == (len(fold.valid),)
        features = loaders["train"].dataset.__getitems__([(1, len(own)), (1, len(fold.train) - 1)])["features"]
        assert features.float().std((1, 2, 3)).min() > 1, "both are pictures"


def test_class_counts_and_samplers_see_the_rows_from_elsewhere(both, data) -> None:
    from data.balanced_samplers import oversampled
    from runners.criteria import CrossEntropy, inverse_frequency

    experiment, folds, sources = both(
        criteria={"ce": partial(CrossEntropy, class_weights=inverse_frequency)},
        criterion="ce",
        sampler=partial(oversampled, by="age", absent="refuse"),
    )
    fold = unwritten_fold(experiment, data, folds, 1, sources)
    counts = np.bincount(fold.train["target"], minlength=18)
    assert counts[9] >= len(data.test)
    weights = make_criteria(fold)["ce"].weights.numpy()
    present = counts > 0
    np.testing.assert_allclose(weights[present] * counts[present], (weights * counts)[9], rtol=1e-5)
    ages = fold.train["age"].to_numpy()[[position for _, position in fold.sampler]]
    assert len(set(np.bincount(ages))) == 1, "every age as often"


class HardOnly(torch.nn.Module):
    """A loss that takes classes and nothing else."""

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.nll_loss(logits, targets)


def test_soft_labels_need_a_loss_that_takes_them(both, data) -> None:
    experiment, folds, sources = both(criteria={"ce": partial(HardOnly)}, criterion="ce")
    with pytest.raises(DataError, match=r"^extra_data\[1\] is PseudoLabels, which makes soft .*\['ce'\] is HardOnly"):
        check_declaration(experiment, data, folds, sources)
    experiment, folds, sources = both()
    check_declaration(experiment, data, folds, sources)


def test_a_fold_with_its_sources_can_be_sent_to_another_process(both, data) -> None:
    experiment, folds, sources = both()
    fold = unwritten_fold(experiment, data, folds, 1, sources)
    sent = pickle.loads(pickle.dumps(fold))  # noqa: S301
    pd.testing.assert_frame_equal(sent.train, fold.train)
    np.testing.assert_array_equal(sent.training.soft, fold.training.soft)


def test_what_is_recorded_is_the_rows_and_where_they_are_from(both, data, source: RunFolder, external: Path) -> None:
    _, _, sources = both()
    table = sources.table()
    assert table.groupby("fold").size().tolist() == [14 + len(data.test)] * 2
    assert sources.outside(data) == [str(external.resolve() / path) for path in read_data(external).train["path"]]
    (first, _), (second, third) = sources.origin["extra_data"]
    assert first["kind"] == "external images" and first["images"] == 14
    assert (second["networks"], third["networks"]) == ([0], [1]) and second["run"] == "first 0123456789"
    assert str(source.root.parents[2]) not in str(sources.origin), "the same wherever the files lie"


def test_fast_takes_a_batch_of_each_source(both, data) -> None:
    experiment, _, sources = both(fast=True)
    assert [len(extra.rows.table) for extra in sources.of_fold(0)] == [14, experiment.batch_size]


def test_nothing_from_elsewhere_is_nothing(declare, data) -> None:
    folds = declare().split().assign(data.train, seed=3)
    assert read_sources(declare(), data, folds) == Sources(extras=(), epochs=None, origin={})


@pytest.mark.parametrize("extra", [[], None, partial(ExternalImages, path="x"), ("input/external",)])
def test_extra_data_is_a_tuple_of_factories(declare, extra: object) -> None:
    with pytest.raises(DataError, match=r"^extra_data(\[0\])? is .* would be right"):
        declare(extra_data=extra)


@given(best=st.lists(st.integers(1, 40), min_size=1, max_size=7))
def test_the_epochs_found_are_the_median_of_the_folds_best(best: list[int]) -> None:
    class Source:
        name, predictions = "first 0123456789", [{"best_epoch": np.asarray(epoch)} for epoch in best]
        folds, is_probe = {"fold": np.arange(len(best))}, False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runners.sources.read_source_run", lambda path, field: Source)
        epochs, origin = found_epochs("runs/first")
    below, above = sum(each <= epochs for each in best), sum(each >= epochs for each in best)
    middle = sorted(best)[len(best) // 2]
    assert epochs == middle if len(best) % 2 else sorted(best)[len(best) // 2 - 1] <= epochs <= middle
    assert below >= len(best) / 2 and above >= len(best) / 2 - 1
    assert origin == {"run": "first 0123456789", "best_epochs": best}


def test_a_final_fit_is_as_long_as_another_run_found_and_no_longer_than_declared(
    declare, data, source: RunFolder
) -> None:
    for number, epoch in ((0, 2), (1, 5)):
        arrays = read_arrays(source.fold(number).predictions)
        write_arrays(source.fold(number).predictions, {**arrays, "best_epoch": np.asarray(epoch)})
    source.write_manifest()
    split = partial(WholeTrainSet, fits=2, epochs_of=str(source.root))
    experiment = declare(split=split, epochs=6, criterion="ce")
    folds = split().assign(data.train, seed=0)
    sources = read_sources(experiment, data, folds)
    assert sources.epochs == 4 and sources.origin["epochs"]["best_epochs"] == [2, 5]
    fold = unwritten_fold(experiment, data, folds, 1, sources)
    assert fold.epochs == 4 and fold.title == "fit 2/2" and len(fold.train) == len(data.train)
    short = declare(split=split, epochs=3, criterion="ce")
    with pytest.raises(DataError, match=r"^epochs is 3, and split's epochs_of found 4: .*\(first 0123456789\)"):
        read_sources(short, data, folds)
    assert read_sources(short, data, folds, fast=True).epochs == 3


def test_a_run_that_validated_nothing_found_no_epochs(data, source: RunFolder) -> None:
    source.folds.write_text(re.sub(r",[01]$", ",-1", source.folds.read_text(), flags=re.MULTILINE))
    source.write_manifest()
    with pytest.raises(DataError, match="validated nothing, so it has no best epoch"):
        found_epochs(str(source.root))


def test_a_linear_probe_has_no_epochs_to_take(source: RunFolder) -> None:
    source.record.write_text('{"name": "linear_probe", "classifier": {}}')
    source.write_manifest()
    with pytest.raises(DataError, match="is a linear probe, which has no epochs"):
        found_epochs(str(source.root))
