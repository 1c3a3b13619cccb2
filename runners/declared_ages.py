"""What fields about ages in years ask of each other and of the data, known before anything is trained."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from callbacks.declared_metrics import needs
from data.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_HERE = "the competition's train.csv has them"


def check_ages(
    model: "partial[Any]",
    criteria: "Mapping[str, partial[Any]]",
    metrics: Mapping[str, Callable[..., Any]],
    mix: "partial[Any] | None",
) -> None:
    """DataError, naming both fields, where a criterion or a metric reads ages in another way than the model gives them.

    Two persons mixed into one image have no one age: a criterion on years is refused together with `mix`.
    """
    spread = model.keywords.get("age_spread")
    readers = {f"criteria[{name!r}]": factory for name, factory in criteria.items()}
    readers |= {f"metrics[{name!r}]": metric for name, metric in metrics.items() if isinstance(metric, partial)}
    for field, reader in readers.items():
        told = reader.keywords.get("age_spread")
        on_years = takes_years(reader) and field.startswith("criteria")
        if spread is None and (told is not None or on_years):
            raise DataError(
                f"{field} reads an age in years off the network, and model declares no age_spread: "
                "model=partial(age_regression, age_spread=..., ...) would be right."
            )
        if told is not None and told != spread:
            raise DataError(f"{field} has age_spread={told!r} and model age_spread={spread!r}: one number is right.")
        if on_years and mix is not None:
            raise DataError(
                f"mix is {mix.func.__qualname__}, which makes one image of two persons, and {field} takes one age for "
                "each: mix=None, or a criterion on classes, would be right."
            )


def takes_years(factory: "partial[Any]") -> bool:
    """Whether a declared criterion compares with ages, not with classes."""
    return getattr(factory.func, "target_key", "targets") == "years"


def check_ages_known(
    criteria: "Mapping[str, partial[Any]]",
    metrics: Mapping[str, Callable[..., Any]],
    age_boundary: "partial[Any] | None",
    table: "pd.DataFrame",
) -> None:
    """DataError that names the first field which needs ages in years where the training table has none."""
    if "years" in table:
        return
    fields = [f"criteria[{name!r}]" for name, factory in criteria.items() if takes_years(factory)]
    fields += [f"metrics[{name!r}]" for name, metric in metrics.items() if "years" in needs(metric)]
    fields += ["age_boundary"] if age_boundary is not None else []
    if fields:
        raise DataError(f"{fields[0]} takes each person's age in years, which these data lack: {_HERE}.")
