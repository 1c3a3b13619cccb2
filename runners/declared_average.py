"""What an average of weights asks of the other fields, known before anything is trained."""

from functools import partial
from typing import Any

from data.errors import DataError


def check_average(average: "partial[Any] | None", epochs: int, patience: int, metric: str) -> None:
    """DataError, naming both fields, where an average could never be made of a fold's epochs."""
    if average is None:
        return
    name, start, members = average.func.__name__, average.keywords.get("start"), average.keywords.get("epochs")
    if isinstance(start, int) and start > epochs:
        raise DataError(f"average is {name} from epoch {start} on, and epochs is {epochs}: it would never start.")
    if isinstance(start, int) and start > patience + 1:
        raise DataError(
            f"average is {name} from epoch {start} on, and patience {patience} may end a fold after epoch "
            f"{patience + 1}: patience={start - 1}, or an earlier start, would be right."
        )
    if isinstance(members, int) and members > epochs:
        raise DataError(f"average is {name} of the best {members} epochs, and epochs is {epochs}: there are too few.")
    if name == "GreedySoup" and metric.startswith("loss"):
        raise DataError(
            f"average is {name}, which is chosen by a score of predictions, and monitor is {metric!r}: "
            'monitor=("f1", "max") would be right.'
        )


def shortest(average: "partial[Any] | None") -> "tuple[partial[Any] | None, int]":
    """The average with its first epoch as early and its epochs as few as can be, and how many epochs that takes."""
    if average is None:
        return None, 1
    least = {"start": 1, "epochs": 2}  # of SWA, of a soup
    changed = {name: least[name] for name in average.keywords if name in least}
    return partial(average.func, **{**average.keywords, **changed}), changed.get("epochs", 1)
