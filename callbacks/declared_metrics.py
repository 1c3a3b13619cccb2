"""Scores that an experiment asks for by name, beside those that every log holds.

A metric is a plain function that says by its parameters what it needs: `confusion`, the counts (C, C), or `targets`
(N,) and `scores` (N, C), the labels and probabilities of a whole loader, or `years` (N,), true ages, and `scores`. It
returns a number, or an array whose cells get a column each. `functools.partial` sets the rest:
``{"map3": partial(average_precision, k=3)}``.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callbacks.metrics import Counts
from callbacks.monitor import ALWAYS_LOGGED, LOGGED_OF_MASKS
from data.errors import DataError

Metric = Callable[..., Any]
FROM_COUNTS, FROM_SCORES = frozenset({"confusion"}), frozenset({"targets", "scores"})
FROM_AGES = frozenset({"years", "scores"})


def needs(metric: Metric) -> frozenset[str]:
    """Names of the parameters that a metric leaves to the caller: those without a value."""
    given = metric.keywords if isinstance(metric, partial) else {}
    parameters = inspect.signature(metric.func if isinstance(metric, partial) else metric).parameters.values()
    required = [one for one in parameters if one.default is one.empty and one.kind not in (one.VAR_KEYWORD,)]
    return frozenset(one.name for one in required if one.name not in given)


def need_scores(metrics: Mapping[str, Metric]) -> bool:
    """Whether any of the metrics has to see the scores of the images: counts are not enough."""
    return any("scores" in needs(metric) for metric in metrics.values())


def declared_scores(
    metrics: Mapping[str, Metric],
    confusion: Counts,
    targets: NDArray[np.integer] | None,
    scores: NDArray[np.floating] | None,
    years: NDArray[np.floating] | None = None,
) -> dict[str, float]:
    """Every metric's number by its name; cells of an array by name and position, "confusion_0_3"."""
    known = {"confusion": confusion, "targets": targets, "scores": scores, "years": years}
    values: dict[str, float] = {}
    for name, metric in metrics.items():
        value = metric(**{name: known[name] for name in needs(metric)})
        values |= {
            "_".join([name, *map(str, position)]): float(cell) for position, cell in np.ndenumerate(np.asarray(value))
        }
    return values


def check_metrics(metrics: Any, monitor: str) -> None:
    """DataError for a metric that asks for what there is not, or for a monitored name that nothing logs."""
    if not isinstance(metrics, Mapping):
        raise DataError(f"metrics is {metrics!r}: a dict of functions by name would be right.")
    taken = {*ALWAYS_LOGGED, *LOGGED_OF_MASKS}
    for name, metric in metrics.items():
        if not str(name).isidentifier() or name in taken or str(name).startswith("loss"):
            raise DataError(
                f"metrics[{name!r}]: a name of letters, digits and _ that no log has by itself would be right; these "
                f"have: {', '.join(sorted(taken))}, and what begins with loss."
            )
        if not callable(metric):
            raise DataError(f"metrics[{name!r}] is {metric!r}: a function, or functools.partial of one, is right.")
        if needs(metric) not in (FROM_COUNTS, FROM_SCORES, FROM_AGES):
            asked = ", ".join(sorted(needs(metric))) or "nothing"
            raise DataError(
                f"metrics[{name!r}] asks for {asked}: a function of confusion, or of scores and either targets or "
                "years, with all else set by functools.partial, would be right."
            )
    logged = taken | set(metrics)
    of_array = monitor.rstrip("0123456789_")  # "f1_of_class_3" is a cell of what f1_of_class returns
    if monitor not in logged and not monitor.startswith("loss_") and of_array not in metrics:
        raise DataError(
            f"monitor names {monitor!r}, and metrics has {', '.join(metrics) or 'nothing'}: one of these, or of "
            f"{', '.join(ALWAYS_LOGGED)}, would be right (for masks also {', '.join(LOGGED_OF_MASKS)})."
        )
