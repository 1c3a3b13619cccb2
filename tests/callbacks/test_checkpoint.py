import copy
from functools import partial

import pytest
import torch
from torch.optim import lr_scheduler

from callbacks.checkpoint import CheckpointCallback
from callbacks.monitor import Monitor
from callbacks.scheduler import SchedulerCallback


class Store:
    """Keeps what a checkpoint callback writes, and in which order."""

    def __init__(self, state=None) -> None:
        self.state, self.best, self.log, self.order = state, None, None, []

    def callback(self, metric: str = "f1", mode: str = "max") -> CheckpointCallback:
        return CheckpointCallback(
            Monitor(metric, mode),
            config={"name": "tiny"},
            save_best=partial(self.keep, "best"),
            save_state=partial(self.keep, "state"),
            save_log=partial(self.keep, "log"),
            load_state=lambda: copy.deepcopy(self.state),
        )

    def keep(self, name: str, value) -> None:
        setattr(self, name, copy.deepcopy(value))
        self.order.append(name)


def equal(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("mode", ["max", "min"])
def test_best_holds_the_weights_of_the_best_epoch_not_the_last(train, mode: str) -> None:
    """Catalyst's own model.best.pth always holds the last weights: it keeps a reference to the live model."""
    store, each_epoch = Store(), []
    callback = store.callback("f1", mode)
    saved = callback.on_epoch_end
    callback.on_epoch_end = lambda runner: (each_epoch.append(copy.deepcopy(runner.model.state_dict())), saved(runner))
    runner = train(extra=[callback], epochs=8, lr=3.0)
    best = Monitor("f1", mode).best_epoch(runner.history)
    assert best is not None and best < 7, "the test needs a best epoch before the last one"
    assert equal(store.best["model"], each_epoch[best])
    assert not equal(store.best["model"], each_epoch[-1])
    assert store.best["metrics"] == runner.history[best]
    assert store.best["config"] == {"name": "tiny"}


def test_the_state_is_the_commit_and_what_is_derived_from_it_comes_after(train) -> None:
    store = Store()
    train(extra=[store.callback()], epochs=1)
    assert store.order == ["state", "best", "log"]
    assert equal(store.state["best"]["model"], store.best["model"]) and store.state["log"] == store.log


@pytest.mark.parametrize("lost", ["state", "best", "log"])
def test_a_kill_at_any_write_of_a_commit_is_mended_by_going_on(train, lost: str) -> None:
    """The third epoch's commit is cut short just before one of its writes."""

    class Killed(Exception):
        pass

    whole, store = Store(), Store()
    uninterrupted = train(extra=[whole.callback("f1", "min")], epochs=3, lr=3.0)
    assert Monitor("f1", "min").best_epoch(uninterrupted.history) == 2, "the test needs its last epoch to be the best"
    keep = store.keep

    def write(name: str, value) -> None:
        if name == lost and len(value if name == "log" else store.log or []) == 3 - (name != "log"):
            raise Killed
        keep(name, value)

    store.keep = write
    with pytest.raises(Killed):
        train(extra=[store.callback("f1", "min")], epochs=3, lr=3.0)
    store.keep = keep
    continued = train(extra=[store.callback("f1", "min")], epochs=3, lr=3.0)
    assert store.log == whole.log == continued.history
    assert store.best["metrics"] == whole.best["metrics"] and equal(store.best["model"], whole.best["model"])


def test_mixed_precision_outlives_a_checkpoint(train) -> None:
    """accelerate's unwrap_model would take the autocast off the model that goes on training."""
    from types import SimpleNamespace

    from callbacks.checkpoint import _stateful_parts
    from runners.supervised import make_engine

    engine, images = make_engine("cpu", "bf16"), torch.randn(8, 64)
    model = engine.prepare(torch.nn.Linear(64, 64))
    before = model(images)
    runner = SimpleNamespace(engine=engine, model=model, optimizer=None, criterion={}, scheduler=None, average=None)
    assert set(_stateful_parts(runner)["model"].state_dict()) == {"weight", "bias"}
    assert torch.equal(model(images), before)
    make_engine("cpu")


def test_criteria_with_weights_of_their_own_are_saved_and_restored(train) -> None:
    class Learnt(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            self.seen += len(targets)
            return torch.nn.functional.cross_entropy(logits, targets)

    store, again = Store(), Learnt()
    train(extra=[store.callback()], epochs=2, criteria={"learnt": Learnt()})
    train(extra=[Store(store.state).callback()], epochs=2, criteria={"learnt": again})
    assert again.seen == 2 * (60 + 20)


@pytest.mark.parametrize("stop_after", [1, 2, 4])
@pytest.mark.parametrize(
    "make_scheduler",
    [partial(lr_scheduler.CosineAnnealingLR, T_max=5), partial(lr_scheduler.ReduceLROnPlateau, patience=0, mode="max")],
    ids=["cosine", "plateau"],
)
def test_a_continued_run_ends_with_the_same_bits(train, make_network, stop_after: int, make_scheduler) -> None:
    def parts(store):
        return [SchedulerCallback("epoch", 3, Monitor("f1", "max")), store.callback()]

    settings = {"make_scheduler": make_scheduler, "optimizer": torch.optim.AdamW, "accumulate": 3, "lr": 0.05}
    whole, first = Store(), Store()
    uninterrupted = train(extra=parts(whole), epochs=5, **settings)
    train(extra=parts(first), epochs=stop_after, **settings)
    other = make_network()
    for parameter in other.parameters():  # nothing of a fresh start may survive
        torch.nn.init.constant_(parameter, 9.0)
    second = Store(first.state)
    continued = train(extra=parts(second), epochs=5, model=other, **settings)
    assert equal(uninterrupted.model.state_dict(), continued.model.state_dict())
    assert uninterrupted.history == continued.history == second.log
    assert (uninterrupted.batch_step, uninterrupted.sample_step) == (continued.batch_step, continued.sample_step)
    assert second.state["scheduler"] == whole.state["scheduler"]


def test_the_best_of_before_the_interruption_is_not_forgotten(train) -> None:
    first = Store()
    runner = train(extra=[first.callback()], epochs=3)
    first.state["log"][0]["valid_f1"] = 2.0  # better than anything that can follow
    second = Store(first.state)
    train(extra=[second.callback()], epochs=6)
    assert len(runner.history) == 3
    assert equal(second.best["model"], first.state["best"]["model"])
    assert second.order == ["best", "log", *["state", "log"] * 3]


def test_a_metric_that_is_not_finite_is_never_saved_as_best(train) -> None:
    store = Store()
    train(extra=[store.callback("loss", "min")], epochs=2, criteria={"ce": NaN()}, lr=0.0)
    assert store.best is None and store.state is not None


class NaN(torch.nn.Module):
    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return logits.sum() * 0 + float("nan")


def test_a_finished_fold_that_is_started_again_trains_no_epoch(train) -> None:
    store = Store()
    train(extra=[store.callback()], epochs=3)
    again = Store(store.state)
    runner = train(extra=[again.callback()], epochs=3)
    assert again.order == ["best", "log"] and runner.epoch_step == 3  # both derived once more, in case they are lost
