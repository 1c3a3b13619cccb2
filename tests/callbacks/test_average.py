import copy
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from callbacks.average import EMA, SWA, AverageCallback
from callbacks.checkpoint import CheckpointCallback
from callbacks.monitor import Monitor


def batch_norm_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))


class Watching:
    """Notes copies of the model after every optimizer step, and at the end of training and validation."""

    def __init__(self, accumulate: int) -> None:
        self.accumulate, self.steps, self.trained, self.validated = accumulate, [], [], []

    def callback(self):
        from catalyst.core.callback import Callback

        watching = self

        class Watch(Callback):
            def __init__(self) -> None:
                super().__init__(order=41)  # between the optimizer and the average

            def on_experiment_start(self, runner) -> None:
                watching.first = copy.deepcopy(runner.model)

            def on_batch_end(self, runner) -> None:
                step, length = runner.loader_batch_step, runner.loader_batch_len
                if runner.is_train_loader and (step % watching.accumulate == 0 or step == length):
                    watching.steps.append(copy.deepcopy(runner.model))

            def on_loader_end(self, runner) -> None:
                kept = watching.trained if runner.is_train_loader else watching.validated
                kept.append(copy.deepcopy(runner.model))

        return Watch()


def same(first, second, atol: float = 0.0) -> bool:
    return all(torch.allclose(first[name], second[name], rtol=0, atol=atol) for name in first)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_ema_without_warm_up_is_torchs_of_every_optimizer_step(train, accumulate: int) -> None:
    watching, average = Watching(accumulate), EMA(decay=0.9, warmup=1)
    train(
        extra=[watching.callback(), AverageCallback(average, accumulate)],
        accumulate=accumulate,
        model=batch_norm_network(),
    )
    theirs = AveragedModel(watching.first, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    theirs.update_parameters(watching.first)  # torch's first update is a copy
    for model in watching.steps:
        theirs.update_parameters(model)
    expected = theirs.module.state_dict()
    assert expected.pop("1.num_batches_tracked") != len(watching.steps), "torch averages whole numbers too"
    assert same(expected, average.weights, atol=1e-6) and average.steps == len(watching.steps)
    assert average.weights["1.num_batches_tracked"] == watching.steps[-1][1].num_batches_tracked
    assert same(watching.validated[-1].state_dict(), average.weights), "validation takes the average"


def test_the_warm_up_of_an_ema_is_the_formula() -> None:
    average, expected = EMA(decay=0.7, warmup=10), 0.0
    average.start({"w": torch.zeros(1, dtype=torch.float64), "seen": torch.tensor(0)})
    for step in range(1, 40):
        keep = min(0.7, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * step
        average.after_step({"w": torch.full((1,), float(step), dtype=torch.float64), "seen": torch.tensor(step)})
        assert average.weights["w"].item() == pytest.approx(expected) and average.weights["seen"] == step


def test_the_weights_in_training_do_not_know_of_the_average(train) -> None:
    plain = train(model=batch_norm_network())
    for average in (EMA(decay=0.9, warmup=10), SWA(start=2)):
        averaged = train(model=batch_norm_network(), extra=[AverageCallback(average, 1)])
        assert same(plain.model.state_dict(), averaged.model.state_dict())
        assert [row["train_loss"] for row in plain.history] == [row["train_loss"] for row in averaged.history]
        assert plain.history[-1]["valid_loss"] != averaged.history[-1]["valid_loss"]


def test_swa_is_torchs_mean_of_epochs_with_batch_norm_statistics_of_the_training_images(train) -> None:
    watching, average, told = Watching(1), SWA(start=2), list[int]()
    callback = AverageCallback(average, 1, between=lambda: told.append(1))
    runner = train(extra=[watching.callback(), callback], epochs=4, model=batch_norm_network(), shuffled=False)
    theirs = AveragedModel(watching.trained[0])
    for model in watching.trained[1:]:
        theirs.update_parameters(model)
    images = runner.loaders["train"].dataset.features
    update_bn(list(images.split(8)), theirs)
    assert average.epochs == 3 and len(told) == 3 * len(images.split(8)), "a stop is looked for after each batch"
    assert same(theirs.module.state_dict(), average.weights, atol=1e-6)
    assert same(watching.validated[-1].state_dict(), average.weights)
    assert same(watching.validated[0].state_dict(), watching.trained[0].state_dict()), "nothing is averaged before"


def test_a_step_that_a_gradient_scaler_skipped_is_none(train) -> None:
    average, model = EMA(decay=0.9, warmup=1), nn.Linear(2, 2)
    engine = SimpleNamespace(unwrap_model=lambda model, keep_fp32_wrapper: model)
    runner = SimpleNamespace(engine=engine, model=model, is_train_loader=True, loader_batch_step=1, loader_batch_len=1)
    callback = AverageCallback(average, 1)
    callback.on_experiment_start(runner)
    for skipped in (True, False):
        runner.optimizer = SimpleNamespace(step_was_skipped=skipped)
        callback.on_batch_end(runner)
    assert average.steps == 1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (partial(EMA, decay=1.0, warmup=10), "decay is 1.0: a number between 0 and 1"),
        (partial(EMA, decay=0.9, warmup=0), "warmup is 0: 10, or 1 for none"),
        (partial(SWA, start=0), "start is 0: an epoch from 1 on"),
    ],
)
def test_values_without_a_meaning_are_refused(make, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


class Store:
    """Keeps the last state and the best weights."""

    def __init__(self, state=None) -> None:
        self.state, self.best = state, None

    def callback(self, metric: str, mode: str) -> CheckpointCallback:
        return CheckpointCallback(
            Monitor(metric, mode),
            config={},
            save_state=lambda state: setattr(self, "state", copy.deepcopy(state)),
            save_best=lambda best: setattr(self, "best", copy.deepcopy(best)),
            save_log=lambda log: None,
            load_state=lambda: copy.deepcopy(self.state),
        )


@pytest.mark.parametrize("make", [partial(EMA, decay=0.9, warmup=10), partial(SWA, start=3)], ids=["ema", "swa"])
@pytest.mark.parametrize("stop_after", [1, 2, 4])
def test_a_continued_run_ends_with_the_same_bits(train, make, stop_after: int) -> None:
    def parts(store: Store):
        return [AverageCallback(make(), 3), store.callback("loss", "min")]

    settings = {"accumulate": 3, "lr": 0.05, "optimizer": torch.optim.AdamW}
    whole, first = Store(), Store()
    uninterrupted = train(extra=parts(whole), epochs=5, model=batch_norm_network(), **settings)
    train(extra=parts(first), epochs=stop_after, model=batch_norm_network(), **settings)
    other = batch_norm_network()
    for parameter in other.parameters():  # nothing of a fresh start may survive
        nn.init.constant_(parameter, 9.0)
    second = Store(first.state)
    continued = train(extra=parts(second), epochs=5, model=other, **settings)
    assert uninterrupted.history == continued.history
    assert same(uninterrupted.model.state_dict(), continued.model.state_dict())
    assert same(uninterrupted.average.weights, continued.average.weights)
    assert same(whole.best["model"], second.best["model"]) and whole.best["metrics"] == second.best["metrics"]


def test_the_average_is_what_is_saved_as_best_and_training_what_is_saved_to_go_on_from(train) -> None:
    store, watching = Store(), Watching(1)
    extra = [watching.callback(), AverageCallback(EMA(decay=0.9, warmup=10), 1), store.callback("loss", "min")]
    runner = train(extra=extra, epochs=3, model=batch_norm_network())
    best = Monitor("loss", "min").best_epoch(runner.history)
    assert same(store.best["model"], watching.validated[best].state_dict())
    assert not same(store.best["model"], watching.trained[best].state_dict())
    assert same(store.state["model"], watching.trained[-1].state_dict())
