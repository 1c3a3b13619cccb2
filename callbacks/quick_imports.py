"""Catalyst and timm import every tracker, search tool and plotter they find, used or not: seconds a start. Not here."""

import sys
from importlib.machinery import ModuleSpec

# Each tries to import these only to know whether they are there. Without matplotlib Catalyst asks no more for pandas,
# scipy and scikit-learn, and defines no metrics of its own that need them: none is used here (runners/scores.py).
_HIDDEN = {
    "catalyst.settings": ("matplotlib", "mlflow", "onnx", "onnxruntime", "optuna", "wandb"),
    "timm.utils.summary": ("wandb",),
}


class Hidden:
    """A finder that has these packages missing for as long as the module that asks for them is being imported.

    Whoever else imports them gets them. Catalyst's own loggers for them are not used here, see callbacks/trackers.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Raises ModuleNotFoundError where one of the modules asks; leaves all else to the finders that follow."""
        for module, packages in _HIDDEN.items():
            if name in packages and _being_imported(module):
                raise ModuleNotFoundError(f"{name} is hidden from {module}", name=name)
        return None


def _being_imported(module: str) -> bool:
    return getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False)


def hide_unused() -> None:
    """Put the finder before all others, once."""
    if Hidden not in sys.meta_path:
        sys.meta_path.insert(0, Hidden)
