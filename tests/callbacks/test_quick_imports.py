import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from callbacks.quick_imports import Hidden, hide_unused

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("module", "hidden", "open_to_it"),
    [("catalyst.settings", "wandb", "torch"), ("timm.utils.summary", "wandb", "mlflow")],
)
def test_packages_are_hidden_from_who_asks_alone(
    monkeypatch: pytest.MonkeyPatch, module: str, hidden: str, open_to_it: str
) -> None:
    asking = ModuleType(module)
    asking.__spec__ = ModuleSpec(module, None)
    monkeypatch.setitem(sys.modules, module, asking)
    assert Hidden.find_spec(hidden) is None, "its import is over: whoever asks now is another"
    asking.__spec__._initializing = True
    assert Hidden.find_spec(open_to_it) is None
    with pytest.raises(ModuleNotFoundError, match=f"{hidden} is hidden from {module}"):
        Hidden.find_spec(hidden)


def test_there_is_one_finder() -> None:
    hide_unused()
    assert sys.meta_path.count(Hidden) == 1


def test_what_trains_a_fold_imports_no_tracker_and_no_plotter() -> None:
    """Each would cost every command that trains a second or so; in this process others have imported them."""
    words = "import sys, runners.opened_run, runners.models; runners.models.import_timm(); print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", words], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    unwanted = {"matplotlib", "mlflow", "onnx", "onnxruntime", "optuna", "sklearn", "wandb"}
    assert not unwanted & set(done.stdout.split())
