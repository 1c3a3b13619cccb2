from callbacks import ORDER
from callbacks.checkpoint import CheckpointCallback
from callbacks.criterion import CriterionCallback
from callbacks.early_stopping import EarlyStoppingCallback
from callbacks.f1 import F1Callback
from callbacks.finite_loss import FiniteLossCallback
from callbacks.monitor import Monitor
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from callbacks.progress import ProgressCallback
from callbacks.scheduler import SchedulerCallback


def test_no_two_callbacks_share_an_order() -> None:
    assert len(set(ORDER.values())) == len(ORDER)
    assert list(ORDER.values()) == sorted(ORDER.values()), "the table reads in the order things happen"


def test_every_callback_takes_its_order_from_the_table() -> None:
    monitor, nothing = Monitor("f1", "max"), lambda *_: None
    callbacks = {
        "criterion": CriterionCallback({1: "ce"}),
        "finite_loss": FiniteLossCallback(3),
        "f1": F1Callback(2),
        "backward": BackwardCallback(1, 8),
        "optimizer": OptimizerCallback(1, 8, None),
        "scheduler": SchedulerCallback("epoch", 1, monitor),
        "checkpoint": CheckpointCallback(monitor, {}, nothing, nothing, nothing, nothing),
        "early_stopping": EarlyStoppingCallback(monitor, 3),
        "progress": ProgressCallback("fold 1/5", 3, monitor, nothing, nothing, nothing),
    }
    assert {name: callback.order for name, callback in callbacks.items()} == ORDER


def test_the_scheduler_acts_before_the_checkpoint_saves_it() -> None:
    assert ORDER["scheduler"] < ORDER["checkpoint"] < ORDER["early_stopping"]
