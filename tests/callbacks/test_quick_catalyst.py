import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from callbacks.quick_catalyst import HiddenFromCatalyst, hide_from_catalyst


def test_trackers_are_hidden_from_catalyst_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = ModuleType("catalyst.settings")
    asking.__spec__ = ModuleSpec("catalyst.settings", None)
    monkeypatch.setitem(sys.modules, "catalyst.settings", asking)
    assert HiddenFromCatalyst.find_spec("mlflow") is None, "its import is over: whoever asks now is another"
    asking.__spec__._initializing = True
    assert HiddenFromCatalyst.find_spec("torch") is None
    with pytest.raises(ModuleNotFoundError, match="wandb is hidden"):
        HiddenFromCatalyst.find_spec("wandb")


def test_catalyst_found_none_of_them() -> None:
    hide_from_catalyst()
    assert sys.meta_path.count(HiddenFromCatalyst) == 1
    from catalyst.settings import SETTINGS

    assert not (SETTINGS.mlflow_required or SETTINGS.wandb_required or SETTINGS.optuna_required)
    assert not SETTINGS.onnx_required
