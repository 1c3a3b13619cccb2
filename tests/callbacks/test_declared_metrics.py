from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

from callbacks import metrics
from callbacks.declared_metrics import check_metrics, declared_scores, needs
from callbacks.f1 import F1Callback, MetricsCallback
from callbacks.ranking import ndcg
from callbacks.roc import roc_auc
from data.errors import DataError
from runners.activations import softmax
from runners.supervised import make_engine

DECLARED = {
    "auc": roc_auc,
    "ndcg2": partial(ndcg, k=2),
    "weighted": metrics.weighted_f1,
    "f1_of": metrics.f1,
    "counts": metrics.counts,
}


def decisions(runner):
    points = runner.loaders["valid"].dataset
    with torch.no_grad():
        return points.targets.numpy(), runner.model.eval()(points.features).softmax(1).numpy()


@pytest.mark.parametrize("batch_size", [3, 20])
def test_declared_metrics_are_those_of_the_whole_loader_for_any_batch_size(train, batch_size: int) -> None:
    runner = train(epochs=2, batch_size=batch_size, extra=[MetricsCallback(DECLARED, softmax)])
    (targets, scores), row = decisions(runner), runner.history[-1]
    answers = scores.argmax(1)
    assert row["valid_auc"] == pytest.approx(roc_auc_score(targets, scores, multi_class="ovr"), abs=1e-6)
    assert row["valid_weighted"] == pytest.approx(f1_score(targets, answers, average="weighted"), abs=1e-12)
    each = f1_score(targets, answers, average=None, labels=range(4))
    np.testing.assert_allclose([row[f"valid_f1_of_{number}"] for number in range(4)], each, atol=1e-12)
    table = confusion_matrix(targets, answers, labels=range(4))
    assert [row[f"valid_counts_{i}_{j}"] for i in range(4) for j in range(4)] == table.flatten().tolist()
    assert [*runner.history[0]] == [*row] and "train_auc" in row, "columns are the same in every epoch"


def test_scores_are_collected_only_where_a_metric_asks_for_them() -> None:
    callback = MetricsCallback({"weighted": metrics.weighted_f1}, softmax)
    callback.on_loader_start(None)
    callback.on_batch_end(None)  # does not even look at the batch
    assert callback.collected == ()


def test_scores_are_what_the_activation_makes_of_the_logits_and_soft_targets_their_largest_class() -> None:
    seen = {}

    def keep(targets, scores):
        seen.update(targets=targets, scores=scores)
        return 0.0

    runner = SimpleNamespace(engine=make_engine("cpu"), loader_metrics={})
    logits = torch.randn(5, 3, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(0))
    runner.batch = {"logits": logits, "targets": torch.eye(3)[[2, 0, 1, 1, 2]] * 0.6 + 0.1}
    counts, callback = F1Callback(3), MetricsCallback({"kept": keep}, torch.sigmoid)
    for one in (counts, callback):
        one.on_loader_start(runner)
        one.on_batch_end(runner)
    counts.on_loader_end(runner)
    callback.on_loader_end(runner)
    np.testing.assert_array_equal(seen["scores"], torch.sigmoid(logits.float()).numpy())
    assert seen["targets"].tolist() == [2, 0, 1, 1, 2] and runner.loader_metrics["kept"] == 0.0
    assert callback.collected == (), "a loader's scores are not kept through the next"


def test_a_metric_says_by_its_parameters_what_it_needs() -> None:
    assert needs(metrics.macro_f1) == {"confusion"} and needs(partial(ndcg, k=3)) == {"targets", "scores"}
    values = declared_scores({"f1": metrics.macro_f1}, np.eye(3, dtype=np.int64), None, None)
    assert values == {"f1": 1.0}


def test_a_metric_of_ages_sees_those_of_the_loader_and_none_where_there_are_none() -> None:
    def mean_age(years, scores):
        return np.append(years, len(scores))

    runner = SimpleNamespace(engine=make_engine("cpu"), loader_metrics={}, confusion=np.eye(3, dtype=np.int64))
    callback = MetricsCallback({"age": mean_age}, softmax)
    callback.on_loader_start(runner)
    for years in (torch.tensor([20.0, 30.0]), torch.tensor([60.0]), None):
        images = 2 if years is None else len(years)
        runner.batch = {"logits": torch.zeros(images, 3), "targets": torch.zeros(images, dtype=torch.int64)}
        runner.batch |= {} if years is None else {"years": years}
        callback.on_batch_end(runner)
    callback.on_loader_end(runner)
    np.testing.assert_array_equal([*runner.loader_metrics.values()], [20, 30, 60, np.nan, np.nan, 5])


@pytest.mark.parametrize(
    ("declared", "monitor", "sentence"),
    [
        ([roc_auc], "f1", "metrics is .*: a dict of functions by name"),
        ({"f1": metrics.weighted_f1}, "f1", r"metrics\['f1'\]: a name .* that no log has by itself"),
        ({"loss_2": metrics.weighted_f1}, "f1", "and what begins with loss"),
        ({"my auc": roc_auc}, "f1", r"metrics\['my auc'\]: a name of letters"),
        ({"auc": "roc_auc"}, "f1", r"metrics\['auc'\] is 'roc_auc': a function"),
        ({"macro": metrics.macro}, "f1", r"metrics\['macro'\] asks for confusion, values: a function of confusion, or"),
        ({"f": metrics.weighted_f1}, "auc", "monitor names 'auc', and metrics has f: one of these, or of loss, f1"),
        ({}, "auc", "metrics has nothing"),
    ],
)
def test_what_can_not_be_logged_is_refused(declared, monitor: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_metrics(declared, monitor)


@pytest.mark.parametrize("monitor", ["loss", "recall", "auc", "f1_mask_age", "f1_of_2", "counts_0_1", "loss_focal"])
def test_whatever_is_logged_can_be_watched(monitor: str) -> None:
    check_metrics(DECLARED, monitor)
