"""Catalyst imports every tracker, search tool and exporter it finds, used or not: seconds at each start. Not here."""

import sys
from importlib.machinery import ModuleSpec

_HIDDEN = ("mlflow", "onnx", "onnxruntime", "optuna", "wandb")
_ASKS = "catalyst.settings"  # which tries to import each of them, and only to know whether it is there


class HiddenFromCatalyst:
    """A finder that has these packages missing for as long as ``catalyst.settings`` is being imported.

    Whoever else imports them gets them. Catalyst's own loggers for them are not used here, see callbacks/trackers.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Raises ModuleNotFoundError where Catalyst asks; leaves all else to the finders that follow."""
        if name in _HIDDEN and getattr(getattr(sys.modules.get(_ASKS), "__spec__", None), "_initializing", False):
            raise ModuleNotFoundError(f"{name} is hidden from Catalyst", name=name)
        return None


def hide_from_catalyst() -> None:
    """Put the finder before all others, once."""
    if HiddenFromCatalyst not in sys.meta_path:
        sys.meta_path.insert(0, HiddenFromCatalyst)
