import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from torch.optim import AdamW
from torch.optim.lr_scheduler import ReduceLROnPlateau

from data.errors import DataError
from runners.criteria import CrossEntropy, inverse_frequency
from runners.experiment import Experiment, asks
from runners.margin_losses import ArcFace
from runners.parameter_groups import parameter_groups
from runners.record import from_record, to_record
from runners.schedulers import warm_up

PROJECT = Path(__file__).parents[2]


def test_the_record_survives_json_and_rebuilds_the_experiment(declare) -> None:
    experiment = declare(
        criteria={"ce": partial(CrossEntropy, class_weights=inverse_frequency), "f1": partial(CrossEntropy)}
    )
    record = json.loads(json.dumps(experiment.record()))
    rebuilt = Experiment.from_record(record)
    assert json.loads(json.dumps(rebuilt.record())) == record
    assert rebuilt.optimizer.func is AdamW and rebuilt.optimizer.keywords == {"lr": 1e-3, "weight_decay": 1e-2}
    assert rebuilt.criteria["ce"].keywords["class_weights"] is inverse_frequency
    assert rebuilt.criterion_schedule == {1: {"ce": 1.0}, 3: {"f1": 1.0}} and rebuilt.tta == experiment.tta


def test_a_sum_by_epoch_survives_json_too(declare) -> None:
    for criterion in ({"ce": 1.0, "f1": 0.5}, {1: "ce", 2: {"ce": 1.0, "f1": 0.5}}):
        experiment = declare(criterion=criterion)
        rebuilt = Experiment.from_record(json.loads(json.dumps(experiment.record())))
        assert rebuilt.criterion == criterion and rebuilt.record() == experiment.record()


def test_the_runner_gives_what_is_asked_for_and_not_declared() -> None:
    assert asks(partial(ArcFace, margin=0.1), "logit_scale")
    assert not asks(partial(ArcFace, margin=0.1, logit_scale=8.0), "logit_scale")
    assert not asks(partial(CrossEntropy), "logit_scale")


class Callable:
    def __call__(self, images: object) -> object:
        return images


def shadowed(images: object) -> object:
    return images


shadowed.__qualname__ = "Callable"  # a name that means something else


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epochs": 0}, "epochs is 0: a whole number from 1 on"),
        ({"batch_size": 2.5}, "batch_size is 2.5: a whole number"),
        ({"accumulate": True}, "accumulate is True: a whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"clip_norm": 0.0}, "clip_norm is 0.0: a number above 0, or None"),
        ({"name": "my run"}, "name is 'my run': the file's stem"),
        ({"criterion": "focal"}, "criterion names 'focal', which is not in criteria; available: ce, f1"),
        ({"criterion": {2: "ce"}}, "it must say which criterion epoch 1 takes"),
        ({"criterion": None}, "criterion is None: a name, {name: weight}, or a dict"),
        ({"criterion": {1: "ce", 4: "f1"}}, "criterion switches at epoch 4, epochs is 3: it never would"),
        ({"monitor": ("loss", "min")}, "monitor is 'loss' and criterion switches: losses of two criteria"),
        ({"scheduler": partial(ReduceLROnPlateau)}, "scheduler takes 'min' for better and monitor 'max': partial"),
        ({"tta": (Callable(),)}, r"tta\[0\] holds .*, which has no name to import it by"),
        ({"tta": (shadowed,)}, r"tta\[0\] holds .*, which has no name to import it by"),
        ({"monitor": ("f1", "best")}, 'a metric and "max" or "min"'),
        ({"schedule_every": "batch"}, 'schedule_every is \'batch\': "epoch" or "step"'),
        ({"tta": ()}, "tta is .*: a tuple of one view or more"),
        ({"criteria": {"ce": CrossEntropy, "f1": CrossEntropy}}, r"criteria\['ce'\] is .*: functools.partial"),
        ({"criterion": {"ce": 1.0, "f1": 0}}, "criterion weighs 'f1' with 0: a number above 0"),
        ({"parameters": parameter_groups}, "parameters is .*: functools.partial of an imported function"),
        ({"parameters": partial(parameter_groups, decay=0.5)}, "parameter_groups has no parameter 'decay'"),
        ({"freeze_epochs": 4}, "freeze_epochs is 4: a whole number from 0 to epochs, 3"),
        ({"freeze_epochs": True}, "freeze_epochs is True: a whole number"),
        ({"freeze_epochs": 1}, "freeze_epochs is 1 and model has pretrained=None: random weights are of no use frozen"),
        ({"criteria": {"ce": partial(ArcFace, margin=0.1)}, "criterion": "ce"}, "model declares no logit_scale"),
        (
            {"scheduler": partial(warm_up, share=0.1, start_factor=0.1, then=partial(ReduceLROnPlateau))},
            "scheduler takes 'min' for better and monitor 'max'",
        ),
        (
            {"scheduler": partial(ReduceLROnPlateau), "schedule_every": "step"},
            "scheduler is ReduceLROnPlateau, which waits for epochs",
        ),
        ({"optimizer": AdamW}, "optimizer is .*: functools.partial of an imported function"),
        ({"optimizer": partial(AdamW, lrr=1e-3)}, "optimizer: AdamW has no parameter 'lrr'; it has params, lr, betas"),
        ({"optimizer": partial(AdamW, 1e-3)}, "optimizer passes 0.001 by position: keywords only"),
        ({"optimizer": partial(AdamW, lr=object())}, r"optimizer\['lr'\] holds .*, which cannot be recorded: numbers"),
        ({"optimizer": partial(AdamW, lr=float("nan"))}, "cannot be recorded"),
        ({"sampler": partial(lambda images: None)}, "which has no name to import it by"),
    ],
)
def test_a_value_that_cannot_hold_is_one_sentence(declare, change, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        declare(**change)


def test_a_misspelt_field_is_a_type_error_before_torch_is_imported() -> None:
    code = (
        "import sys\nfrom runners.experiment import Experiment\n"
        "try: Experiment(name='a', epoch=3)\n"
        "except TypeError as error: print(error, 'torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)  # noqa: S603 - our own words
    assert "unexpected keyword argument 'epoch' False" in answer.stdout, answer.stderr


def test_an_experiment_cannot_be_changed(declare) -> None:
    with pytest.raises(AttributeError):
        declare().epochs = 5


@pytest.mark.parametrize("value", [1, 0.5, "text", None, True, {"a": 1}])
def test_plain_values_are_their_own_record(value) -> None:
    assert from_record(to_record(value, "field")) == value


def test_a_record_that_names_what_is_not_here_is_one_sentence() -> None:
    with pytest.raises(DataError, match="names nowhere.at_all, which cannot be imported here"):
        from_record({"name": "nowhere.at_all"})


@pytest.mark.parametrize("how", ["module", "file"])
def test_what_the_module_that_is_run_defines_is_recorded_under_its_true_name(tmp_path, how: str) -> None:
    (tmp_path / "mine.py").write_text(
        "from runners.record import import_name\ndef view(images): return images\n"
        "if __name__ == '__main__': print(import_name(view, 'tta'))\n"
    )
    words = ["-m", "mine"] if how == "module" else [str(tmp_path / "mine.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), str(tmp_path)])}
    answer = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment)  # noqa: S603
    assert answer.stdout == "mine.view\n", answer.stderr
