import ast
import importlib.util
from pathlib import Path

import pytest

from data.errors import DataError
from experiments import _tune
from runners.search.search_space import LogUniform

SMOKE = Path(__file__).parents[2] / "experiments" / "smoke.py"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declare_tiny) -> Path:
    """A folder of experiments with one that marks its learning rate; returns the folder."""
    (tmp_path / "smoke.py").write_text(SMOKE.read_text())
    monkeypatch.setattr(_tune, "HERE", tmp_path)
    monkeypatch.setattr(_tune, "_declared", lambda name: (declare_tiny, {"optimizer.lr": LogUniform(1e-4, 1e-2)}))
    return tmp_path


@pytest.fixture
def declare_tiny():
    """The smoke experiment, for one epoch of small images."""
    from dataclasses import replace
    from functools import partial

    from data.splits import PersonStratifiedKFold
    from data.transforms import resize
    from experiments.smoke import EXPERIMENT
    from runners.models import timm_classifier

    small = partial(resize, size=(32, 24))
    model = partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0)
    folds = partial(PersonStratifiedKFold, folds=2)
    return replace(EXPERIMENT, split=folds, epochs=1, model=model, train_transform=small, valid_transform=small)


def test_the_best_trial_becomes_a_module_that_stands_by_itself(tiny: Path, competition: Path, capsys) -> None:
    words = {"data": competition, "runs": tiny / "runs", "device": "cpu", "threads": 1, "cache": tiny / "cache"}
    out = tiny / "smoke_tuned.py"
    _tune.tune("smoke", trials=2, out=None, **words)
    printed = capsys.readouterr().out
    assert "trial   1" in printed and "trial   2" in printed and f"written  {out}" in printed
    assert "flattered by having been picked" in printed and "epoch" not in printed
    text = out.read_text()
    assert "not run yet" in ast.get_docstring(ast.parse(text)) and "optimizer.lr 0.00" in text
    spec = importlib.util.spec_from_file_location("smoke_tuned", out)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.EXPERIMENT.name == "smoke_tuned" and module.EXPERIMENT.parent == "smoke"
    assert 1e-4 <= module.EXPERIMENT.optimizer.keywords["lr"] <= 1e-2

    with pytest.raises(_tune.typer.Exit):
        _tune.tune("smoke", trials=2, out=None, **words)
    assert "nothing is overwritten" in capsys.readouterr().err
    out.unlink()
    _tune.tune("smoke", trials=2, out=None, **words)
    assert "trial" not in capsys.readouterr().out.split("best")[0].split("\n", 1)[1], "both trials were there already"
    assert out.exists()


def test_an_unknown_experiment_lists_what_there_is() -> None:
    with pytest.raises(DataError, match="There is no experiment 'focal'; available: .*focal_kfold"):
        _tune._declared("focal")


def test_what_cannot_be_written_is_told_before_the_first_trial(tiny: Path, competition: Path, capsys) -> None:
    words = {"data": competition, "runs": tiny / "runs", "device": "cpu", "threads": 1, "cache": tiny / "cache"}
    for out in ("smoke-tuned.py", "tuned.txt"):
        with pytest.raises(_tune.typer.Exit):
            _tune.tune("smoke", trials=1, out=tiny / out, **words)
        assert f"{out} names no module of an experiment: -o with smoke_tuned.py" in capsys.readouterr().err
    module = tiny / "smoke.py"
    module.write_text(module.read_text().replace("lr=", "**COMMON, eps="))
    with pytest.raises(_tune.typer.Exit):
        _tune.tune("smoke", trials=1, out=None, **words)
    assert "does not write optimizer.lr out" in capsys.readouterr().err and not (tiny / "runs").exists()


def test_the_best_is_told_even_where_it_cannot_be_written(
    tiny: Path, competition: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments):
        raise OSError(28, "No space left on device", "smoke_tuned.py")

    monkeypatch.setattr(_tune, "_write", full)
    with pytest.raises(_tune.typer.Exit):
        _tune.tune("smoke", 1, competition, tiny / "runs", None, "cpu", 1, tiny / "cache")
    said = capsys.readouterr()
    assert "best     trial 1, out-of-fold F1" in said.out and "written" not in said.out
    assert "smoke_tuned.py: No space left on device" in said.err


def test_a_search_whose_every_trial_fails_ends_with_why(
    tiny: Path, competition: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_finite(fold, progress):
        raise DataError("the loss is not finite: a smaller learning rate would be right.")

    monkeypatch.setattr("runners.search.tuning.run_fold", not_finite)
    with pytest.raises(_tune.typer.Exit):
        _tune.tune("smoke", 2, competition, tiny / "runs", None, "cpu", 1, tiny / "cache")
    said = capsys.readouterr()
    assert "trial   2  failed" in said.out and "the loss is not finite" in said.out
    assert "error: All 2 trials of smoke failed, the last one so: the loss is not finite" in said.err
    assert not (tiny / "smoke_tuned.py").exists()
