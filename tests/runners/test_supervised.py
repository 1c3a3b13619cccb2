from types import SimpleNamespace

import pytest
import torch
from torch import nn

from callbacks.criterion import CriterionCallback
from data.errors import DataError
from runners.supervised import ClassificationRunner, CPUEngine, GPUEngine, ProcessLost, make_engine


def test_metrics_are_reduced_where_catalyst_dies() -> None:
    from catalyst import dl

    assert make_engine("cpu").mean_reduce_ddp_metrics({"loss": 1.5}) == {"loss": 1.5}
    with pytest.raises(AttributeError, match="TPU"):
        dl.CPUEngine().mean_reduce_ddp_metrics({"loss": 1.5})


def test_engines_of_different_precision_follow_each_other() -> None:
    assert make_engine("cpu", "bf16").mixed_precision == "bf16"
    assert make_engine("cpu", "no").mixed_precision == "no"


def test_the_model_is_itself_again_after_mixed_precision() -> None:
    engine, model, images = make_engine("cpu", "bf16"), nn.Linear(64, 64), torch.randn(8, 64)
    exact = model(images)
    prepared = engine.prepare(model)
    assert not torch.equal(prepared(images), exact), "wrapped in autocast"
    assert not torch.equal(engine.unwrap_model(prepared, keep_fp32_wrapper=True)(images), exact), "still wrapped"
    assert torch.equal(engine.unwrap_model(prepared, keep_fp32_wrapper=False)(images), exact)
    make_engine("cpu")


def test_optimizer_and_loader_stay_unwrapped_in_one_process() -> None:
    engine, model = make_engine("cpu"), nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = torch.utils.data.DataLoader([1, 2, 3])
    assert engine.prepare(optimizer) is optimizer
    assert engine.prepare(loader) is loader
    assert isinstance(engine, CPUEngine)


def test_an_accelerators_engine_is_built_without_the_argument_that_accelerate_dropped() -> None:
    assert isinstance(make_engine("cuda"), GPUEngine)  # without a GPU, accelerate lets it run on the processor
    with pytest.raises(TypeError, match="fp16"):
        from catalyst import dl

        dl.GPUEngine(fp16=False)  # as Catalyst itself builds it
    make_engine("cpu")


def test_sums_go_over_all_processes() -> None:
    both = SimpleNamespace(num_processes=2, reduce=lambda values, how: {"sum": 2, "mean": 1}[how] * values)
    assert CPUEngine.sum_over_processes(both, torch.tensor(3.0)) == 6
    assert make_engine("cpu").sum_over_processes(torch.tensor(3.0)) == 3


def test_rows_of_all_processes_follow_each_other_whatever_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    both = SimpleNamespace(num_processes=2, device=torch.device("cpu"))
    monkeypatch.setattr("runners.supervised.gather_object", lambda mine: [*mine, torch.tensor([[5.0]])])
    assert CPUEngine.rows_of_all_processes(both, torch.tensor([[1.0], [2.0]])).tolist() == [[1.0], [2.0], [5.0]]
    alone = torch.zeros(2, 1)
    assert make_engine("cpu").rows_of_all_processes(alone) is alone


def test_all_processes_decide_by_the_first_ones_row_and_begin_with_its_weights(monkeypatch) -> None:
    both = SimpleNamespace(num_processes=2, device=torch.device("cpu"))
    monkeypatch.setattr("runners.supervised.broadcast_object_list", lambda rows: rows.__setitem__(0, {"loss": 1.0}))
    monkeypatch.setattr("runners.supervised.broadcast", lambda values: torch.full_like(values, 7))
    assert CPUEngine.row_of_main_process(both, {"loss": 1.1}) == {"loss": 1.0}
    model = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    CPUEngine.weights_of_main_process(both, model)
    assert all((values == 7).all() for values in model.state_dict().values())


def test_what_torch_says_of_a_lost_process_is_no_failure_of_the_network() -> None:
    def lost(values: torch.Tensor, how: str) -> torch.Tensor:
        raise RuntimeError("Connection closed by peer [127.0.0.1]:4242")

    with pytest.raises(ProcessLost, match="closed by peer"):
        CPUEngine.sum_over_processes(SimpleNamespace(num_processes=2, reduce=lost), torch.ones(1))
    assert not issubclass(ProcessLost, RuntimeError), "a network's are its own"


def test_a_process_on_the_processor_has_no_device_of_its_own() -> None:
    assert make_engine("cpu").device == torch.device("cpu")


def test_fp16_needs_an_accelerator() -> None:
    with pytest.raises(DataError, match='precision is "fp16" and the device is the CPU'):
        make_engine("cpu", "fp16")


def test_criteria_are_moved_to_the_device() -> None:
    runner = ClassificationRunner()
    runner.engine = SimpleNamespace(device=torch.device("meta"))
    runner._criterion = {"weighted": nn.CrossEntropyLoss(weight=torch.ones(3))}
    assert runner.get_criterion()["weighted"].weight.device.type == "meta"


def test_batches_are_moved_to_the_device() -> None:
    runner = ClassificationRunner()
    runner.engine, runner.model = SimpleNamespace(device=torch.device("meta")), nn.Linear(4, 2, device="meta")
    runner.handle_batch({"features": torch.zeros(3, 4), "targets": torch.zeros(3)})
    assert {name: values.device.type for name, values in runner.batch.items()} == dict.fromkeys(
        ("features", "targets", "logits"), "meta"
    )


def test_a_batch_that_the_network_cannot_take_is_one_sentence(declare) -> None:
    from runners.models import timm_classifier

    runner = ClassificationRunner()
    vit = timm_classifier(num_classes=2, backbone="test_vit", pretrained=None, drop_rate=0.0)
    runner.engine, runner.model = SimpleNamespace(device=torch.device("cpu")), vit
    with pytest.raises(DataError, match=r"fails on a batch of images \(3, 30, 20, 3\), as .*: Input height \(30\)"):
        runner.handle_batch({"features": torch.zeros(3, 30, 20, 3)})


def test_an_image_that_a_worker_could_not_read_ends_the_run() -> None:
    runner = ClassificationRunner()
    runner.batch = DataError("a.jpg is truncated.")
    with pytest.raises(DataError, match="a.jpg is truncated"):
        runner.on_batch_start(runner)


def test_catalyst_adds_no_logger_of_its_own() -> None:
    runner = ClassificationRunner()
    runner._loggers, runner._logdir = None, None
    assert runner.get_loggers() == {}


def test_our_callbacks_keep_catalyst_from_adding_its_own() -> None:
    from catalyst.core.callback import IBackwardCallback, ICriterionCallback, IOptimizerCallback, ISchedulerCallback

    from callbacks.checkpoint import CheckpointCallback, ICheckpointCallback
    from callbacks.optimizer import BackwardCallback, OptimizerCallback
    from callbacks.scheduler import SchedulerCallback

    assert issubclass(CriterionCallback, ICriterionCallback)
    assert issubclass(BackwardCallback, IBackwardCallback)
    assert issubclass(OptimizerCallback, IOptimizerCallback)
    assert issubclass(SchedulerCallback, ISchedulerCallback)
    assert issubclass(CheckpointCallback, ICheckpointCallback)
