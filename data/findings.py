"""What is wrong, or worth knowing, about a data set: collected by the check, raised by reading."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.errors import DataError, quote


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, about a data set."""

    kind: str                         # the heading it is listed under: "missing file", "duplicate path" ...
    text: str                         # one sentence
    stops: bool = True                # True: reading refuses the data; False: read, and said


def some_names(names: Sequence[str], most: int = 10) -> str:
    """The first names, and how many more there are."""
    listed = ", ".join(quote(name) for name in names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"


def raise_first(findings: Sequence[Finding]) -> None:
    """DataError with the first finding that stops, and the number of the others; nothing where none does."""
    stopping = [finding.text for finding in findings if finding.stops]
    if stopping:
        others = f" ({len(stopping) - 1} more: `python -m experiments check` lists them.)" if len(stopping) > 1 else ""
        raise DataError(stopping[0] + others)
