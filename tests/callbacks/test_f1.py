import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score


def predictions(runner):
    """Validation targets and decisions of the network as it is now."""
    points = runner.loaders["valid"].dataset
    with torch.no_grad():
        logits = runner.model.eval()(points.features)
    return points.targets.numpy(), logits.argmax(1).numpy()


@pytest.mark.parametrize("batch_size", [1, 7, 20, 64])
def test_f1_is_that_of_the_whole_loader_for_any_batch_size(train, batch_size: int) -> None:
    runner = train(epochs=1, batch_size=batch_size)
    targets, decisions = predictions(runner)
    row = runner.history[-1]
    assert row["valid_f1"] == pytest.approx(f1_score(targets, decisions, average="macro"), abs=1e-12)
    assert row["valid_accuracy"] == pytest.approx(accuracy_score(targets, decisions), abs=1e-12)


def test_catalyst_own_f1_misses_scikit_learn() -> None:
    """The reason for our callback: an epsilon in the denominator, and classes met nowhere averaged in as 0."""
    from catalyst.metrics import MulticlassPrecisionRecallF1SupportMetric

    targets, decisions = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 1, 0, 0])
    metric = MulticlassPrecisionRecallF1SupportMetric(num_classes=3)
    metric.update(torch.nn.functional.one_hot(decisions, 3).float(), targets)
    theirs = metric.compute_key_value()["f1/_macro"]
    assert abs(theirs - f1_score(targets, decisions, average="macro")) > 0.1


def test_soft_targets_count_as_their_largest_class(train) -> None:
    from types import SimpleNamespace

    from callbacks.f1 import F1Callback
    from runners.supervised import make_engine

    callback, runner = F1Callback(3), SimpleNamespace(engine=make_engine("cpu"), loader_metrics={})
    logits = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))
    soft = torch.rand(32, 3, generator=torch.Generator().manual_seed(1)).softmax(1)
    runner.batch = {"logits": logits, "targets": soft}
    callback.on_loader_start(runner)
    callback.on_batch_end(runner)
    callback.on_loader_end(runner)
    expected = f1_score(soft.argmax(1), logits.argmax(1), average="macro")
    assert np.isclose(runner.loader_metrics["f1"], expected, atol=1e-12)


def test_a_sampler_shorter_than_the_data_scores_only_what_it_gave(train, make_network) -> None:
    """Catalyst's scikit-learn callbacks fill a table of the data set's length and score its unwritten rows."""
    from types import SimpleNamespace

    from callbacks.f1 import F1Callback
    from runners.supervised import make_engine

    callback, runner = F1Callback(4), SimpleNamespace(engine=make_engine("cpu"), loader_metrics={})
    points, model = train(epochs=1).loaders["valid"].dataset, make_network()
    callback.on_loader_start(runner)
    for start in (0, 3, 6):  # 9 of 20 images
        batch = points.__getitems__([(0, position) for position in range(start, start + 3)])
        runner.batch = {"logits": model(batch["features"]), "targets": batch["targets"]}
        callback.on_batch_end(runner)
    callback.on_loader_end(runner)
    decisions = model(points.features[:9]).argmax(1)
    assert np.isclose(runner.loader_metrics["f1"], f1_score(points.targets[:9], decisions, average="macro"), atol=1e-12)
