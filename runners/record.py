"""A declaration as JSON and back: plain values, and functions by the name they are imported under.

{"call": "torch.optim.adamw.AdamW", "with": {"lr": 0.0003}} is a partial, {"name": "runners.views.identity"} a
function or class used as it is.
"""

import importlib
import inspect
import math
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from data.errors import DataError

_PLAIN = "numbers, text, True, False, None, tuples, dicts, imported functions and classes, functools.partial of these"


def to_record(value: Any, where: str) -> Any:
    """JSON form of a declared value; DataError names the field `where` that cannot be recorded and says what can."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [to_record(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(key): to_record(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, partial):
        if value.args:
            raise DataError(
                f"{where} passes {value.args[0]!r} by position: keywords only, so that the record says what it is."
            )
        check_keywords(value, where)
        return {"call": import_name(value.func, where), "with": to_record(value.keywords, where)}
    if callable(value):
        return {"name": import_name(value, where)}
    raise DataError(f"{where} holds {value!r}, which cannot be recorded: {_PLAIN} can.")


def from_record(record: Any) -> Any:
    """The declared value of a record; imports what it names, so read only records of code you trust."""
    if isinstance(record, list):
        return tuple(from_record(item) for item in record)
    if isinstance(record, dict) and set(record) == {"call", "with"}:
        return partial(_import(record["call"]), **from_record(record["with"]))
    if isinstance(record, dict) and set(record) == {"name"}:
        return _import(record["name"])
    if isinstance(record, dict):
        return {key: from_record(value) for key, value in record.items()}
    return record


def import_name(value: Any, where: str) -> str:
    """Dotted name under which a function or class can be imported again; DataError for what has none.

    Lambdas, local functions and callable objects have none. What is defined in the module that is being run gets that
    module's true name.
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "<unnamed>")
    if module and "<" not in name:
        if module == "__main__":
            return f"{_main_module()}.{name}"
        if _attribute(sys.modules.get(module), name) == value:  # not "is": each look at a class method makes a new one
            return f"{module}.{name}"
    raise DataError(f"{where} holds {value!r}, which has no name to import it by: define it at the top of a module.")


def _main_module() -> str:
    """Name under which the module that is being run can be imported."""
    main: Any = sys.modules["__main__"]
    return str(main.__spec__.name if main.__spec__ else Path(main.__file__).stem)


def _attribute(module: Any, qualified_name: str) -> Any:
    found = module
    for part in qualified_name.split("."):
        found = getattr(found, part, None)
    return found


def check_keywords(value: "partial[Any]", where: str) -> None:
    """DataError where a partial names a parameter that its function does not have; lists those it has."""
    parameters = inspect.signature(value.func).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in value.keywords:
        if name not in parameters:
            function = getattr(value.func, "__qualname__", value.func)
            raise DataError(f"{where}: {function} has no parameter {name!r}; it has {', '.join(parameters)}.")


def _import(name: str) -> Any:
    """The object of a dotted name, which may lie inside a class."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        found = _attribute(found, ".".join(parts[end:]))
        if found is not None:
            return found
    raise DataError(f"The record names {name}, which cannot be imported here.")
