"""An experiment by the name a user types."""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import DataError, quote

if TYPE_CHECKING:
    from runners.experiment import Experiment
    from runners.linear_probe import Declaration

HERE = Path(__file__).parent


def declared(name: str) -> "Experiment":
    """The declaration of experiments/<name>.py, which trains a network; DataError for a name that has none."""
    from runners.linear_probe import LinearProbe

    experiment = declared_any(name)
    if isinstance(experiment, LinearProbe):
        raise DataError(f"{name} is a linear probe: it trains no network, so there is nothing to try out before it.")
    return experiment


def declared_any(name: str) -> "Declaration":
    """The declaration of experiments/<name>.py; DataError lists the nearest names where there is none."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    if name not in known:
        near = ", ".join(get_close_matches(name, known, n=5, cutoff=0.4) or known)
        raise DataError(f"There is no experiment {quote(name)}; the nearest names are: {near}.")

    import importlib  # here: torch makes nobody wait who asks for --help

    experiment: Declaration = importlib.import_module(f"experiments.{name}").EXPERIMENT
    return experiment
