"""Metrics equal scikit-learn's on any labels, and have the same bits however a loader was cut into batches."""

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from callbacks import label_sets, ranking
from callbacks import metrics as ours
from callbacks.f1 import F1Callback, MetricsCallback
from callbacks.roc import class_roc_auc, roc_auc

LARGEST = 1e-12
DECLARED = {
    "confusion": ours.counts, "auc": roc_auc, "ndcg": ranking.ndcg, "mrr": ranking.reciprocal_rank,
    "map3": ranking.average_precision, "samples_f1": label_sets.samples_f1, "weighted_f1": ours.weighted_f1,
}  # fmt: skip
PRESENT = st.lists(st.integers(0, 17), min_size=1, max_size=18, unique=True)  # the others are absent


def loader_scores(logits: torch.Tensor, targets: torch.Tensor, batch_size: int) -> dict[str, float]:
    """What the log would hold of a loader whose images come in batches of this size."""
    engine = SimpleNamespace(device="cpu", sum_over_processes=lambda x: x, rows_of_all_processes=lambda x: x)
    runner: Any = SimpleNamespace(engine=engine, loader_metrics={})
    callbacks = F1Callback(logits.shape[1]), MetricsCallback(DECLARED, lambda rows: rows.softmax(1))
    for callback in callbacks:
        callback.on_loader_start(runner)
    for rows, labels in zip(logits.split(batch_size), targets.split(batch_size), strict=True):
        runner.batch = {"logits": rows, "targets": labels}
        for callback in callbacks:
            callback.on_batch_end(runner)
    for callback in callbacks:
        callback.on_loader_end(runner)
    return dict(runner.loader_metrics)


def references(targets: NDArray[Any], answers: NDArray[Any], scores: NDArray[Any]) -> dict[str, tuple[Any, Any]]:
    """Name -> ours and scikit-learn's."""
    classes = scores.shape[1]
    counts, every = ours.confusion_matrix(targets, answers, classes), np.arange(classes)
    one_hot, answered = np.eye(classes)[targets], scores >= 0.5
    pairs: dict[str, tuple[Any, Any]] = {
        "confusion": (counts, sk.confusion_matrix(targets, answers, labels=every)),
        "accuracy": (ours.accuracy(counts), sk.accuracy_score(targets, answers)),
        "micro f1": (ours.micro_f1(counts), sk.f1_score(targets, answers, average="micro")),
        "ndcg": (ranking.ndcg(targets, scores), sk.ndcg_score(one_hot, scores)),
        "lrap": (ranking.reciprocal_rank(targets, scores), sk.label_ranking_average_precision_score(one_hot, scores)),
        "samples f1": (label_sets.samples_f1(targets, scores), sk.f1_score(one_hot, answered, average="samples")),
        "set f1": (label_sets.set_f1(targets, scores), sk.f1_score(one_hot, answered, average=None)),
    }
    for name, theirs in (("f1", sk.f1_score), ("precision", sk.precision_score), ("recall", sk.recall_score)):
        each = getattr(ours, name)(counts)
        pairs[name] = each, theirs(targets, answers, labels=every, average=None)
        pairs[f"macro {name}"] = ours.macro(each, counts), theirs(targets, answers, average="macro")
        pairs[f"weighted {name}"] = ours.weighted(each, counts), theirs(targets, answers, average="weighted")
    for number, area in enumerate(class_roc_auc(targets, scores)):
        positive = targets == number
        both = positive.any() and not positive.all()
        pairs[f"auc {number}"] = area, sk.roc_auc_score(positive, scores[:, number]) if both else np.nan
    return pairs


def test_metrics_of_random_loaders(lane: Callable[[int, int], int], figures: Callable[[str, str], None]) -> None:
    seen = {"loaders": 0, "batch sizes": 0, "largest": 0.0}

    @settings(max_examples=lane(60, 2_000), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(PRESENT, st.integers(1, 70), st.integers(1, 12), st.booleans(), st.integers(0, 2**32 - 1))
    @example([0], 1, 1, False, 0)  # one image
    @example([3, 17], 9, 8, False, 1)  # the last batch is of one
    def hold(present: list[int], images: int, batch_size: int, ties: bool, seed: int) -> None:
        rng, classes = np.random.default_rng(seed), max(2, max(present) + 1)
        targets = rng.choice(present, images)
        logits = rng.normal(0, 2, (images, classes)).round(0 if ties else 6).astype(np.float32)
        scores = torch.from_numpy(logits).softmax(1).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn tells of each class that is absent
            for name, (mine, theirs) in references(targets, scores.argmax(1), scores).items():
                np.testing.assert_allclose(mine, theirs, rtol=0, atol=LARGEST, err_msg=name)
                seen["largest"] = max(seen["largest"], float(np.nanmax(np.abs(np.asarray(mine) - theirs), initial=0)))
        rows, labels = torch.from_numpy(logits), torch.from_numpy(targets)
        whole = loader_scores(rows, labels, images)
        for size in {1, batch_size, max(1, images - 1)}:
            parted = loader_scores(rows, labels, size)
            assert {name: repr(value) for name, value in parted.items()} == {n: repr(v) for n, v in whole.items()}
            seen["batch sizes"] += 1
        seen["loaders"] += 1

    hold()
    figures("metrics", f"{seen['loaders']:,} loaders, largest difference {seen['largest']:.1e}, "
                       f"{seen['batch sizes']:,} other batch sizes: the same bits")  # fmt: skip
