from callbacks import ORDER
from callbacks.average import SWA, AverageCallback
from callbacks.checkpoint import CheckpointCallback
from callbacks.criterion import CriterionCallback
from callbacks.early_stopping import EarlyStoppingCallback
from callbacks.f1 import F1Callback, MetricsCallback
from callbacks.finite_loss import FiniteLossCallback
from callbacks.freeze import FreezeCallback
from callbacks.mix import MixCallback
from callbacks.monitor import Monitor
from callbacks.optimizer import BackwardCallback, OptimizerCallback
from callbacks.pace import PaceCallback
from callbacks.probe import ProbeCallback
from callbacks.progress import ProgressCallback
from callbacks.scheduler import SchedulerCallback
from callbacks.soup import GreedySoup, SoupCallback
from callbacks.stop import StopCallback


def test_no_two_callbacks_share_an_order() -> None:
    assert len(set(ORDER.values())) == len(ORDER)
    assert list(ORDER.values()) == sorted(ORDER.values()), "the table reads in the order things happen"


def test_every_callback_takes_its_order_from_the_table() -> None:
    monitor, nothing = Monitor("f1", "max"), lambda *_: None
    checkpoint = CheckpointCallback(monitor, {}, nothing, nothing, nothing, nothing)
    callbacks = {
        "freeze": FreezeCallback(2, nothing),
        "mix": MixCallback(lambda *batch: batch[:2], 2, seed=0, fold=0),
        "criterion": CriterionCallback({1: {"ce": 1.0}}),
        "finite_loss": FiniteLossCallback(3),
        "f1": F1Callback(2),
        "metrics": MetricsCallback({}, nothing),
        "backward": BackwardCallback(1, 8),
        "optimizer": OptimizerCallback(1, 8, None),
        "average": AverageCallback(SWA(start=1), 1),
        "scheduler": SchedulerCallback("epoch", 1, monitor),
        "soup": SoupCallback(GreedySoup(epochs=2), monitor),
        "checkpoint": checkpoint,
        "early_stopping": EarlyStoppingCallback(monitor, 3),
        "progress": ProgressCallback("fold 1/5", 3, monitor, nothing, nothing, nothing),
        "pace": PaceCallback(20, nothing),
        "probe": ProbeCallback(1, None, None),
        "stop": StopCallback("fold 1/5", nothing, checkpoint, nothing, nothing),
    }
    assert {name: callback.order for name, callback in callbacks.items()} == ORDER


def test_the_scheduler_acts_before_the_checkpoint_saves_it() -> None:
    assert ORDER["scheduler"] < ORDER["checkpoint"] < ORDER["early_stopping"]


def test_counts_come_before_metrics_steps_before_averages_and_all_of_them_before_the_checkpoint() -> None:
    assert ORDER["f1"] < ORDER["metrics"] < ORDER["optimizer"] < ORDER["average"] < ORDER["soup"] < ORDER["checkpoint"]
